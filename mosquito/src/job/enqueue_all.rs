//! Enqueues many runs of one job.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::join;
use tokio::task::yield_now;

use crate::backend::{Durability, Enqueued, Met};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::flow::{Flow, FlowKey, Priority, Unique};
use crate::job::adjusting::Adjustments;
use crate::job::chunk::Chunk;
use crate::job::durably::Durably;
use crate::job::enqueue::{Pending, Place};
use crate::job::partitions::{Destination, PartitionBy};
use crate::job::{Enqueuer, Job};
use crate::job_run::When;
use crate::name::{JobName, RunId};

/// How many runs are made in one go, before others have their turn at this thread.
const STRETCH: usize = 128;

/// Many runs of one job about to be enqueued, in as few calls of the backend as it takes. Nothing happens
/// until it is awaited; the answers are in the order given.
///
/// Another run of a key that is [unique](crate::guide::unique) is answered as [`Enqueued::Duplicate`], also where the job rejects it: that
/// is no reason to leave the rest out.
///
/// When it fails on the way, the error is [`Error::Incomplete`] and says how many runs are in the store.
///
/// ```
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = Mosquito::connect("memory://").await?;
/// let names = ["Ada", "Grace", "Barbara"];
/// let enqueued = mosquito.enqueue_all(names.map(|name| Greet { name: name.into() })).await?;
/// assert_eq!(enqueued.len(), 3);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is enqueued until this is awaited"]
pub struct EnqueueAll<J, I> {
    pub(super) enqueuer: Enqueuer,
    pub(super) jobs: I,
    pub(super) id: fn(&J) -> RunId,
    pub(super) place: Place,
    pub(super) partition_by: PartitionBy<J>,
    pub(super) adjustments: Adjustments<J>,
}

impl<J: Job, I: Iterator<Item = J>> EnqueueAll<J, I> {
    /// Performs the runs no sooner than `delay` after the backend took them.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.place.when = When::After(delay);
        self
    }

    /// Performs the runs no sooner than `time`, by the backend's clock; at once when that is past.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.place.when = When::At(time);
        self
    }

    /// Enqueues in another queue than the job's own. The name is checked when this is awaited.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.place.queue = Some(queue.into());
        self
    }

    /// Puts those of one key into one [partition](crate::guide::partitions) of their queue, as
    /// [`Enqueue::partition_by`](crate::Enqueue::partition_by) does one. An error is that of a key that does not serialize.
    pub fn partition_by(mut self, key: impl Fn(&J) -> serde_json::Result<FlowKey> + Send + 'static) -> Self {
        self.partition_by = PartitionBy::said(key);
        self
    }

    /// Gives each run an id made from its job, as [`Enqueue::id`](crate::Enqueue::id) does for one.
    pub fn id_by(mut self, id: fn(&J) -> RunId) -> Self {
        self.id = id;
        self
    }

    /// Has them go before less urgent runs of their queue, and after more urgent ones, whatever their job declares.
    pub fn priority(self, priority: Priority) -> Self {
        self.flow(move |_, flow| {
            flow.priority = priority;
            Ok(())
        })
    }

    /// Removes those whose first attempt has not begun so long after they were due, as [`Enqueue::expires_in`](crate::Enqueue::expires_in) does one.
    pub fn expires_in(self, time: Duration) -> Self {
        self.flow(move |_, flow| {
            flow.expires = Some(time);
            Ok(())
        })
    }

    /// Enqueues of each key one only, whatever their job declares; see [`Unique`]. An error is that of a key that does not serialize.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job] struct Index { document: u64 }
    /// # impl Perform for Index { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// # let mosquito = Mosquito::connect("memory://").await?;
    /// use mosquito::{FlowKey, Unique};
    ///
    /// let documents = [17, 18, 17].map(|document| Index { document });
    /// let enqueued = mosquito
    ///     .enqueue_all(documents)
    ///     .unique(|job| Ok(Unique::by(FlowKey::readable(&("index", job.document))?)))
    ///     .await?;
    /// assert_eq!(enqueued.iter().map(|answer| answer.is_new()).collect::<Vec<_>>(), [true, true, false]);
    /// # Ok(()) }
    /// ```
    pub fn unique(self, unique: impl Fn(&J) -> serde_json::Result<Unique> + Send + 'static) -> Self {
        self.flow(move |job, flow| {
            flow.unique = Some(unique(job)?);
            Ok(())
        })
    }

    /// Enqueues all of them, though their job is unique.
    pub fn not_unique(self) -> Self {
        self.flow(|_, flow| {
            flow.unique = None;
            Ok(())
        })
    }

    /// Changes anything of how each of them flows, as [`Enqueue::flow`](crate::Enqueue::flow) does for one. An error is that of a key that does not serialize.
    pub fn flow(mut self, change: impl Fn(&J, &mut Flow) -> serde_json::Result<()> + Send + 'static) -> Self {
        self.adjustments.push(change);
        self
    }

    /// Waits until the runs are as safe as this, and answers whether all of them are. Each call of the store, of up to
    /// 1,000 runs of a queue or partition, waits by itself; after one that fell short, the rest are enqueued without a wait.
    pub fn durability(self, durability: Durability) -> Durably<Self> {
        Durably { enqueue: self, durability }
    }

    pub(super) async fn send(self, durability: Durability) -> Result<(Vec<Enqueued>, Met)> {
        let Self { enqueuer, jobs, id, place, partition_by, adjustments } = self;
        let (to, job) = (Destination::of::<J>(&place)?, JobName::new(J::SPEC.name)?);
        let (mut answers, mut met) = (Vec::new(), Met::fully(durability));
        let mut rest = Rest {
            enqueuer: &enqueuer,
            jobs,
            id,
            when: place.when,
            job: &job,
            to: &to,
            partition_by,
            adjustments,
        };
        let mut chunk = rest.chunk().await;
        while !chunk.is_empty() {
            let durability = if met.is_met() { durability } else { Durability::Memory };
            let (sent, next) = join(chunk.send(&enqueuer, &job, durability), rest.chunk_after(&chunk)).await;
            answers.extend(sent.answers);
            if met.is_met() {
                met = sent.met;
            }
            if let Some(source) = sent.failure.or(chunk.failure) {
                return Err(incomplete(&answers, source));
            }
            chunk = next;
        }
        match chunk.failure {
            Some(source) => Err(incomplete(&answers, source)),
            None => Ok((answers, met)),
        }
    }
}

fn incomplete(answers: &[Enqueued], source: Error) -> Error {
    Error::Incomplete { enqueued: answers.len(), source: Box::new(source) }
}

/// What is not yet on its way.
struct Rest<'a, J, I> {
    enqueuer: &'a Enqueuer,
    jobs: I,
    id: fn(&J) -> RunId,
    when: When,
    job: &'a JobName,
    to: &'a Destination,
    partition_by: PartitionBy<J>,
    adjustments: Adjustments<J>,
}

impl<J: Job, I: Iterator<Item = J>> Rest<'_, J, I> {
    /// The next chunk, made while the one before is on its way.
    async fn chunk_after(&mut self, before: &Chunk) -> Chunk {
        if before.failure.is_some() {
            return Chunk::new(self.to);
        }
        // Where one thread does all, the one before leaves now.
        yield_now().await;
        self.chunk().await
    }

    /// The next chunk; an empty one at the end. A failure in the middle of one lets those before it through.
    async fn chunk(&mut self) -> Chunk {
        let mut chunk = Chunk::new(self.to);
        while chunk.has_room()
            && let Some(job) = self.jobs.next()
        {
            let id = (self.id)(&job);
            let run = self.enqueuer.flowing_run_of(id, self.when, self.job, &job, &mut self.adjustments);
            match run.and_then(|run| Ok((self.partition_by.number(self.to, &job, &run)?, run))) {
                Ok((number, run)) => chunk.push(number, run),
                Err(error) => {
                    chunk.failure = Some(error);
                    break;
                }
            }
            if chunk.len().is_multiple_of(STRETCH) {
                yield_now().await;
            }
        }
        chunk
    }
}

impl<J: Job, I: Iterator<Item = J> + Send + 'static> IntoFuture for EnqueueAll<J, I> {
    type Output = Result<Vec<Enqueued>>;
    type IntoFuture = Pending<Vec<Enqueued>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.send(Durability::Memory).await?.0) })
    }
}
