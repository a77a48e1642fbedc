//! A named queue, to look into and to act on.

mod cancelling;
mod filter;
mod parts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::backend::{BATCH_LIMIT, Backend, Cancelled, LimitReport, List, Paused, Scope, Sizes, StoredRun};
use crate::error::Result;
use crate::events::Events;
use crate::flow::FlowKey;
use crate::name::{JobName, LimitName, QueueName, RunId};
use crate::pausing::{self, Pausing};
pub use cancelling::CancelCount;
use cancelling::Walk;
pub use filter::Filter;
use parts::Parts;

/// One queue: its four lists, and the verbs of an operator. One that has [partitions](crate::guide::partitions) is one queue all the same:
/// what is said of it is said of each, and what is asked is put together. Its partitions can be had one by one, too: `events~3`.
///
/// ```
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job, backend::List};
/// # #[job(queue = "mail")] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = Mosquito::connect("memory://").await?;
/// mosquito.enqueue(Greet { name: "Ada".into() }).await?;
///
/// let mail = mosquito.queue("mail")?;
/// mail.pause().await?;
/// assert_eq!(mail.sizes().await?.waiting, 1);
/// assert_eq!(mail.page(List::Waiting, 0, 10).await?.len(), 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    name: QueueName,
    backend: Arc<dyn Backend>,
    events: Events,
}

impl Queue {
    pub(crate) fn new(name: QueueName, backend: Arc<dyn Backend>, events: Events) -> Self {
        Self { name, backend, events }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &QueueName {
        &self.name
    }

    /// How many runs stand in each list.
    ///
    /// # Errors
    ///
    /// When the backend is out of reach; so it is with all the others.
    pub async fn sizes(&self) -> Result<Sizes> {
        Parts::of(self).await?.sizes().await
    }

    /// Up to `at_most` (and no more than 1,000) runs of a list, from `offset` on; where there are partitions, one after the other.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn page(&self, list: List, offset: usize, at_most: usize) -> Result<Vec<StoredRun>> {
        Parts::of(self).await?.page(list, offset, at_most.min(BATCH_LIMIT)).await
    }

    /// One run, and the list it stands in.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn find(&self, id: &RunId) -> Result<Option<StoredRun>> {
        Parts::of(self).await?.find(id).await
    }

    /// How a limit of this queue stands for one of its keys: the rate limit and the concurrency limit of that name, which is the
    /// job's unless several share one. The key is that of the values which the limit is `by`, or [`FlowKey::all`].
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// use mosquito::FlowKey;
    ///
    /// #[job(queue = "calls", rate_limit(limit = 100, per = "1m", by = [tenant]))]
    /// struct Call {
    ///     tenant: String,
    /// }
    /// # impl Perform for Call { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mosquito::BoxError> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// mosquito.enqueue(Call { tenant: "acme".into() }).await?;
    ///
    /// let report = mosquito.queue("calls")?.limit("call", &FlowKey::readable(&("acme",))?).await?;
    /// let rate = report.rate.expect("a run was enqueued under it");
    /// assert_eq!((rate.used, rate.limit), (0, 100));
    /// assert_eq!(report.concurrency, None);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Name`](crate::Error::Name) when no limit can have that name; otherwise as [`sizes`](Self::sizes).
    pub async fn limit(&self, name: &str, key: &FlowKey) -> Result<LimitReport> {
        let name = LimitName::new(name)?;
        Parts::of(self).await?.limit(&name, key).await
    }

    /// The run that keeps others of a unique key away, if any. The key of a job's run is in its [flow](crate::Job::flow).
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform};
    /// use mosquito::{Job, job};
    ///
    /// #[job(unique)]
    /// struct Sync {
    ///     account: u64,
    /// }
    /// # impl Perform for Sync { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// let enqueued = mosquito.enqueue(Sync { account: 7 }).await?;
    ///
    /// let unique = Sync { account: 7 }.flow()?.unique.expect("it is declared");
    /// let holder = mosquito.queue("default")?.holder(&unique.key).await?;
    /// assert_eq!(holder.as_ref(), Some(enqueued.id()));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn holder(&self, key: &FlowKey) -> Result<Option<RunId>> {
        Parts::of(self).await?.holder(key).await
    }

    /// Cancels one run, and answers what became of it: one that waits or is scheduled is gone. One that is being performed sees its
    /// [token](crate::Context::token) fire within a second, on whichever machine, or as soon as that machine is back; unless
    /// its job answers `Ok` it is gone then, and never performed again. Safe to repeat.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job(queue = "mail")] struct Greet { name: String }
    /// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// use mosquito::backend::Cancelled;
    ///
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// let greeting = mosquito.enqueue(Greet { name: "Ada".into() }).delay(Duration::from_secs(60)).await?;
    ///
    /// let mail = mosquito.queue("mail")?;
    /// assert_eq!(mail.cancel(greeting.id()).await?, Cancelled::Removed);
    /// assert_eq!(mail.cancel(greeting.id()).await?, Cancelled::Unknown);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes). Then it may have been cancelled or not.
    pub async fn cancel(&self, id: &RunId) -> Result<Cancelled> {
        Parts::of(self).await?.cancel(id).await
    }

    /// Cancels the runs that a filter means, as [`cancel`](Self::cancel) does, and answers how many. Dead ones stay.
    ///
    /// It walks through the queue, at most 1,000 runs a call, until it finds nothing more, ten times through all of it at most. So a
    /// run that comes meanwhile may be cancelled or not: [`Filter::enqueued_before`] leaves out what is new.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job(queue = "mail")] struct Greet { name: String }
    /// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// use mosquito::Filter;
    ///
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// mosquito.enqueue_all(["Ada", "Bob"].map(|name| Greet { name: name.into() })).await?;
    ///
    /// let mail = mosquito.queue("mail")?;
    /// let count = mail.cancel_where(Filter::new().job::<Greet>().matching(|run| run.args.get().contains("Ada"))).await?;
    /// assert_eq!((count.removed, count.running), (1, 0));
    /// assert_eq!(mail.sizes().await?.waiting, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes). What was cancelled until then stays so.
    pub async fn cancel_where(&self, filter: Filter) -> Result<CancelCount> {
        Parts::of(self).await?.cancel_where(&filter).await
    }

    /// Removes one run, wherever it stands; whether there was one. One that is being performed is not
    /// stopped, but what becomes of it is not recorded any more.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn delete(&self, id: &RunId) -> Result<bool> {
        Parts::of(self).await?.delete(id).await
    }

    /// Removes every run, from all four lists.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn flush(&self) -> Result<()> {
        Parts::of(self).await?.flush().await
    }

    /// Stops handing out runs, on every machine from that moment on, until [`resume`](Self::resume), when it is awaited; see
    /// [`Pausing`] for what can be said about it. In place of an earlier pause of this queue. Enqueueing goes on, and so does what is
    /// being performed; of a periodic job, one run at most waits.
    pub fn pause(&self) -> Pausing {
        Pausing::new(&self.backend, &self.events, Scope::from(&self.name))
    }

    /// As [`pause`](Self::pause), for so long: then the queue resumes by itself, and an idle runner notices it within a second.
    pub fn pause_for(&self, duration: Duration) -> Pausing {
        self.pause().lasting(duration)
    }

    /// Hands out runs again, unless [everything](crate::Mosquito::pause) is paused: that is resumed by itself.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn resume(&self) -> Result<()> {
        pausing::resume(&*self.backend, &self.events, Scope::from(&self.name)).await
    }

    /// Whether it hands out nothing, paused by itself or with everything: since when, until when, why and by whom.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn paused(&self) -> Result<Option<Paused>> {
        pausing::paused(&*self.backend, &Scope::from(&self.name)).await
    }

    /// Stops handing out runs of one job, as [`pause`](Self::pause) does all of them: others go past. Its runs are put aside when it
    /// is their turn, and keep their order; what waits is seen, cancelled and deleted as ever. For a job that is linked into this process,
    /// [`Mosquito::pause_job`](crate::Mosquito::pause_job) knows the queue and all names.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// use mosquito::JobName;
    ///
    /// let mail = mosquito::Mosquito::connect("memory://").await?.queue("mail")?;
    /// let newsletter = JobName::new("newsletter")?;
    ///
    /// mail.pause_job(&newsletter).reason("a link in it is wrong").author("ada").await?;
    /// assert_eq!(mail.paused_jobs().await?[&newsletter].author.as_deref(), Some("ada"));
    ///
    /// mail.resume_job(&newsletter).await?;
    /// assert!(mail.paused_jobs().await?.is_empty());
    /// # Ok(()) }
    /// ```
    pub fn pause_job(&self, job: &JobName) -> Pausing {
        Pausing::new(&self.backend, &self.events, Scope::Job(self.name.clone(), job.clone()))
    }

    /// As [`pause_job`](Self::pause_job), for so long: then the job resumes by itself.
    pub fn pause_job_for(&self, job: &JobName, duration: Duration) -> Pausing {
        self.pause_job(job).lasting(duration)
    }

    /// Hands out runs of a job again, unless the queue or [everything](crate::Mosquito::pause) is paused.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn resume_job(&self, job: &JobName) -> Result<()> {
        pausing::resume(&*self.backend, &self.events, Scope::Job(self.name.clone(), job.clone())).await
    }

    /// The jobs that are [paused](Self::pause_job) by themselves: since when, until when, why and by whom.
    ///
    /// # Errors
    ///
    /// As [`sizes`](Self::sizes).
    pub async fn paused_jobs(&self) -> Result<BTreeMap<JobName, Paused>> {
        pausing::paused_jobs(&*self.backend, &self.name).await
    }
}
