//! What is enqueued at a moment.

use std::fmt::Write;
use std::time::Duration;

use crate::backend::{BATCH_LIMIT, List, StoredRun};
use crate::client::Mosquito;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::job::{Job, Registration, Undecodable, decode};
use crate::job_run::Envelope;
use crate::name::{QueueName, RunId};
use crate::testing::Performed;

/// Everything that stands in `waiting` or `scheduled`, in all queues of a store.
#[derive(Debug)]
pub struct Standing {
    pub(super) now: Timestamp,
    pub(super) performed: Vec<Performed>,
    runs: Vec<Stood>,
}

/// One run, as it stood.
#[derive(Debug)]
pub(super) struct Stood {
    pub(super) queue: QueueName,
    pub(super) run: StoredRun,
    /// Nothing when it cannot be read.
    pub(super) envelope: Option<Envelope>,
}

/// An enqueued run whose job is known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnqueuedJob<J> {
    /// The job, with the arguments that it will be performed with.
    pub job: J,
    /// The run.
    pub id: RunId,
    /// The queue that it stands in.
    pub queue: QueueName,
    /// When it is due; nothing when it waits already.
    pub due: Option<Timestamp>,
}

impl Standing {
    pub(super) async fn read(mosquito: &Mosquito, now: Timestamp, performed: Vec<Performed>) -> Result<Self> {
        let mut runs = Vec::new();
        for queue in mosquito.queues().await? {
            for list in [List::Waiting, List::Scheduled] {
                let mut offset = 0;
                loop {
                    let page = queue.page(list, offset, BATCH_LIMIT).await?;
                    offset += page.len();
                    let whole = page.len() == BATCH_LIMIT;
                    runs.extend(page.into_iter().map(|run| Stood::of(queue.name(), run)));
                    if !whole {
                        break;
                    }
                }
            }
        }
        Ok(Self { now, performed, runs })
    }

    /// The runs of one job.
    pub(super) fn jobs<J: Job>(&self) -> Result<Vec<EnqueuedJob<J>>> {
        self.of::<J>().map(Stood::job).collect()
    }

    /// The runs that bear a job's name, or one that it had.
    pub(super) fn of<J: Job>(&self) -> impl Iterator<Item = &Stood> {
        self.runs.iter().filter(|stood| {
            stood.envelope.as_ref().is_some_and(|envelope| {
                let name = envelope.job.as_str();
                name == J::SPEC.name || J::SPEC.aliases.contains(&name)
            })
        })
    }

    /// One line for each run, and a remark behind some of them.
    pub(super) fn table(&self, remark: impl Fn(&Stood) -> String) -> String {
        const MOST: usize = 20;
        let mut table = String::new();
        if self.runs.is_empty() {
            table.push_str("\n  nothing is enqueued");
        } else {
            table.push_str("\n  enqueued are:");
        }
        for stood in self.runs.iter().take(MOST) {
            // Writing into text cannot fail.
            let _ = write!(table, "\n    {}{}", stood.shown(self.now), remark(stood));
        }
        if let Some(more @ 1..) = self.runs.len().checked_sub(MOST) {
            let _ = write!(table, "\n    and {more} more");
        }
        table
    }
}

impl Stood {
    fn of(queue: &QueueName, run: StoredRun) -> Self {
        let envelope = Envelope::read(&run.envelope).ok();
        Self { queue: queue.clone(), run, envelope }
    }

    /// When it is due; nothing when it waits.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.run.at.filter(|_| self.run.list == List::Scheduled)
    }

    pub(super) fn job<J: Job>(&self) -> Result<EnqueuedJob<J>> {
        let refuse = |source: crate::BoxError| Error::Undecodable { job: J::SPEC.name.into(), source };
        let envelope = self.envelope.clone().ok_or_else(|| refuse("the envelope cannot be read".into()))?;
        let job = read(envelope).map_err(|why| refuse(why.into()))?;
        Ok(EnqueuedJob { job, id: self.run.id.clone(), queue: self.queue.clone(), due: self.due() })
    }

    fn shown(&self, now: Timestamp) -> String {
        let when = match self.due() {
            None => "waiting".into(),
            Some(due) => match (due - now).to_std() {
                Ok(wait) => format!("in {}", duration(wait)),
                Err(_) => "due".into(),
            },
        };
        let what = match &self.envelope {
            None => "?".into(),
            Some(envelope) => format!("{} {}", envelope.job, arguments(envelope)),
        };
        format!("{}: {what}, {when}", self.queue)
    }
}

/// Reads arguments as a runner does; or says why not, in words that keep a redacted one secret.
fn read<J: Job>(envelope: Envelope) -> Result<J, String> {
    let Some(job) = registration(&envelope) else {
        return decode(&envelope.args).map_err(|error: Undecodable| error.why);
    };
    let envelope = job.upgraded(envelope).map_err(|why| match J::SPEC.redacted {
        [] => format!("they do not upgrade: {why}"),
        _ => "they do not upgrade; why is not told, since some of them are redacted".into(),
    })?;
    decode(&envelope.args).map_err(|error| job.undecodable(&error))
}

/// The arguments, without those that are redacted.
fn arguments(envelope: &Envelope) -> String {
    match registration(envelope) {
        None => envelope.args.get().to_owned(),
        // How another version called what is redacted, nobody knows any more.
        Some(job) if envelope.version != job.spec.version && !job.spec.redacted.is_empty() => {
            format!("of version {}, [redacted]", envelope.version)
        }
        Some(job) => job.shown(&envelope.args),
    }
}

fn registration(envelope: &Envelope) -> Option<&'static Registration> {
    let name = envelope.job.as_str();
    let knows = |job: &&Registration| job.spec.name == name || job.spec.aliases.contains(&name);
    inventory::iter::<Registration>.into_iter().find(knows)
}

/// A duration as people write it.
pub(super) fn duration(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
