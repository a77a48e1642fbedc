//! Some of the runs of a bulk enqueue, which go to the store together: one call for each partition, all at once.

use futures_util::future::join_all;
use tracing::Instrument;

use crate::backend::{BATCH_LIMIT, Durability, Enqueued, Met};
use crate::error::Error;
use crate::job::Enqueuer;
use crate::job::partitions::Destination;
use crate::job_run::NewRun;
use crate::name::{JobName, QueueName};

/// The most bytes of envelopes that one call of the backend takes.
const CALL_BYTES: usize = 1 << 20;

/// For how many partitions calls are filled: a chunk is held in memory.
const FILLED: u32 = 8;

pub(super) struct Chunk {
    parts: Vec<Part>,
    /// How many runs, and how many bytes, it still takes.
    runs_left: usize,
    bytes_left: usize,
    len: usize,
    /// Why there is no more of it, if that is for a failure.
    pub(super) failure: Option<Error>,
}

/// The runs of one call, and the place of each among those of the chunk.
struct Part {
    queue: QueueName,
    runs: Vec<NewRun>,
    places: Vec<usize>,
    bytes: usize,
}

/// What became of a chunk: of its first runs, and then of the rest.
pub(super) struct Sent {
    /// Of all before the first that is not known to be in the store.
    pub(super) answers: Vec<Enqueued>,
    pub(super) met: Met,
    pub(super) failure: Option<Error>,
}

impl Chunk {
    pub(super) fn new(to: &Destination) -> Self {
        let part = |number| Part { queue: to.part(number), runs: Vec::new(), places: Vec::new(), bytes: 0 };
        let calls = to.partitions().min(FILLED) as usize;
        Self {
            parts: (0..to.partitions()).map(part).collect(),
            runs_left: BATCH_LIMIT * calls,
            bytes_left: CALL_BYTES * calls,
            len: 0,
            failure: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it takes another run, wherever that goes.
    pub(super) fn has_room(&self) -> bool {
        self.runs_left > 0 && self.bytes_left > 0
    }

    pub(super) fn push(&mut self, number: u32, run: NewRun) {
        let bytes = run.body().len();
        let part = &mut self.parts[number as usize];
        part.bytes += bytes;
        part.runs.push(run);
        part.places.push(self.len);
        self.len += 1;
        // One call that is full ends the chunk: so all are bounded.
        let is_full = part.runs.len() >= BATCH_LIMIT || part.bytes >= CALL_BYTES;
        self.runs_left = if is_full { 0 } else { self.runs_left - 1 };
        self.bytes_left = self.bytes_left.saturating_sub(bytes);
    }

    pub(super) async fn send(&self, enqueuer: &Enqueuer, job: &JobName, durability: Durability) -> Sent {
        let parts = self.parts.iter().filter(|part| !part.runs.is_empty());
        let calls = parts.map(|part| async move {
            let queue = &part.queue;
            let span = tracing::info_span!(target: "mosquito", "enqueue", %queue, %job);
            (part, enqueuer.send(queue, job, &part.runs, durability).instrument(span).await)
        });
        let mut answers = vec![None; self.len];
        let (mut met, mut failure) = (Met::fully(durability), None);
        for (part, answer) in join_all(calls).await {
            match answer {
                Ok((some, so_far)) => {
                    part.places.iter().zip(some).for_each(|(place, answer)| answers[*place] = Some(answer));
                    if met.is_met() {
                        met = so_far;
                    }
                }
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Sent { answers: answers.into_iter().map_while(|answer| answer).collect(), met, failure }
    }
}
