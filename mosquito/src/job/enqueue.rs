//! Enqueues one run of a job.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use tracing::Instrument;

use crate::backend::{Durability, Enqueued, Met};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::flow::{Flow, FlowKey, OnConflict, Priority, Unique};
use crate::job::adjusting::Adjustments;
use crate::job::durably::Durably;
use crate::job::partitions::{Destination, PartitionBy};
use crate::job::{Enqueuer, Job};
use crate::job_run::When;
use crate::name::{JobName, RunId};

/// A boxed future: what the builders become when awaited.
pub(super) type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// One run about to be enqueued. Nothing happens until it is awaited.
///
/// When its job, or this enqueue, is [unique](crate::guide::unique) and rejects others, and there is another run of its key, it fails
/// with [`Error::Duplicate`].
///
/// ```
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use std::time::Duration;
///
/// let mosquito = Mosquito::connect("memory://").await?;
/// let enqueued = mosquito
///     .enqueue(Greet { name: "Ada".into() })
///     .queue("bulk")
///     .delay(Duration::from_secs(180))
///     .await?;
/// assert!(enqueued.is_new());
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is enqueued until this is awaited"]
pub struct Enqueue<J> {
    pub(super) enqueuer: Enqueuer,
    pub(super) job: J,
    pub(super) id: Option<RunId>,
    pub(super) place: Place,
    pub(super) partition_by: PartitionBy<J>,
    pub(super) adjustments: Adjustments<J>,
}

impl<J: Job> Enqueue<J> {
    /// Performs the run no sooner than `delay` after the backend took it.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.place.when = When::After(delay);
        self
    }

    /// Performs the run no sooner than `time`, by the backend's clock; at once when that is past.
    pub fn at(mut self, time: Timestamp) -> Self {
        self.place.when = When::At(time);
        self
    }

    /// Enqueues in another queue than the job's own. The name is checked when this is awaited. One of which a job of this program declares
    /// [partitions](crate::guide::partitions) takes it into one of them.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.place.queue = Some(queue.into());
        self
    }

    /// Puts it into the [partition](crate::guide::partitions) of its queue that this key belongs to, whatever its job declares. Runs of one
    /// key are in one partition, and in order there.
    ///
    /// A queue of which no job of this program declares partitions makes it fail with [`Error::Flow`].
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mosquito::BoxError> {
    /// # let mosquito = Mosquito::connect("memory://").await?;
    /// use mosquito::FlowKey;
    ///
    /// #[job(queue("events", partitions = 8))]
    /// struct Track { user: u64, page: String }
    /// # impl Perform for Track { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// let seen = Track { user: 7, page: "/".into() };
    /// mosquito.enqueue(seen).partition_by(FlowKey::readable(&(7,))?).await?;
    /// assert_eq!(mosquito.queue("events")?.sizes().await?.waiting, 1);
    /// # Ok(()) }
    /// ```
    pub fn partition_by(mut self, key: FlowKey) -> Self {
        self.partition_by = PartitionBy::said(move |_| Ok(key.clone()));
        self
    }

    /// Gives the run an id. While the queue holds a run of that id, another one is not enqueued but
    /// answered as [`Enqueued::Duplicate`]: an enqueue whose answer was lost can be repeated.
    pub fn id(mut self, id: RunId) -> Self {
        self.id = Some(id);
        self
    }

    /// Has it go before less urgent runs of its queue, and after more urgent ones, whatever its job declares.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job] struct Greet { name: String }
    /// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// # let mosquito = Mosquito::connect("memory://").await?;
    /// use mosquito::Priority;
    ///
    /// mosquito.enqueue(Greet { name: "Ada".into() }).priority(Priority::FIRST).await?;
    /// # Ok(()) }
    /// ```
    pub fn priority(self, priority: Priority) -> Self {
        self.flow(move |flow| flow.priority = priority)
    }

    /// Removes it, unless its first attempt has begun so long after it was due; at least 1 ms. It is told as an
    /// [`Event::Expired`](crate::events::Event::Expired) and counted in the [`Report`](crate::Report).
    pub fn expires_in(self, time: Duration) -> Self {
        self.flow(move |flow| flow.expires = Some(time))
    }

    /// Enqueues it only if no other run of this key is there, whatever its job declares; see [`Unique`].
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job] struct Index { document: u64 }
    /// # impl Perform for Index { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mosquito::BoxError> {
    /// # let mosquito = Mosquito::connect("memory://").await?;
    /// use mosquito::{FlowKey, Unique};
    ///
    /// let unique = Unique::by(FlowKey::readable(&("index", 17))?);
    /// assert!(mosquito.enqueue(Index { document: 17 }).unique(unique.clone()).await?.is_new());
    /// assert!(!mosquito.enqueue(Index { document: 17 }).unique(unique).await?.is_new());
    /// # Ok(()) }
    /// ```
    pub fn unique(self, unique: Unique) -> Self {
        self.flow(move |flow| flow.unique = Some(unique))
    }

    /// Enqueues it beside others like it, though its job is unique.
    pub fn not_unique(self) -> Self {
        self.flow(|flow| flow.unique = None)
    }

    /// Changes anything of how it flows: what its job declares, and what was said before. What is said last holds.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job(rate_limit(limit = 10, per = "1s"))] struct Call { number: u64 }
    /// # impl Perform for Call { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// # let mosquito = Mosquito::connect("memory://").await?;
    /// // Emergency calls count towards no limit.
    /// mosquito.enqueue(Call { number: 112 }).flow(|flow| flow.rate = None).await?;
    /// # Ok(()) }
    /// ```
    pub fn flow(mut self, change: impl FnOnce(&mut Flow) + Send + 'static) -> Self {
        let mut change = Some(change);
        self.adjustments.push(move |_, flow| {
            if let Some(change) = change.take() {
                change(flow);
            }
            Ok(())
        });
        self
    }

    /// Waits until the run is as safe as this, or for as long as that says, and answers which it was. Said last, after
    /// when and where.
    pub fn durability(self, durability: Durability) -> Durably<Self> {
        Durably { enqueue: self, durability }
    }

    pub(super) async fn send(self, durability: Durability) -> Result<(Enqueued, Met)> {
        let Self { enqueuer, job: value, id, place, partition_by, mut adjustments } = self;
        let (to, job) = (Destination::of::<J>(&place)?, JobName::new(J::SPEC.name)?);
        let id = id.unwrap_or_else(RunId::random);
        let run = enqueuer.flowing_run_of(id.clone(), place.when, &job, &value, &mut adjustments)?;
        let queue = to.part(partition_by.number(&to, &value, &run)?);
        let unique = run.flow.as_ref().and_then(|flow| flow.unique.as_ref());
        let rejects = unique.is_some_and(|unique| unique.on_conflict == OnConflict::Reject);
        let span = tracing::info_span!(target: "mosquito", "enqueue", %queue, %job);
        let (mut answers, met) = enqueuer.send(&queue, &job, &[run], durability).instrument(span).await?;
        match answers.pop().expect("a backend answers for each run") {
            // The same run again, whose answer was lost, is no conflict.
            Enqueued::Duplicate(there) if rejects && there != id => {
                Err(Error::Duplicate { job: job.to_string(), id: there })
            }
            answer => Ok((answer, met)),
        }
    }
}

impl<J: Job> IntoFuture for Enqueue<J> {
    type Output = Result<Enqueued>;
    type IntoFuture = Pending<Enqueued>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.send(Durability::Memory).await?.0) })
    }
}

/// Where and when: what one enqueue and many have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) queue: Option<String>,
    pub(super) when: When,
}
