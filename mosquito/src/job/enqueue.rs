//! Puts runs of jobs into queues: one, or many at once.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use tracing::Instrument;

use crate::backend::{Backend, Durability, Enqueued, Met};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::job::Job;
use crate::job::durably::Durably;
use crate::job_run::{Body, NewRun, When};
use crate::middleware::EnqueueLayers;
use crate::name::{JobName, QueueName, RunId};

/// The most runs, and the most bytes of envelopes, that one call of the backend takes.
const CHUNK_RUNS: usize = 1_000;
const CHUNK_BYTES: usize = 1 << 20;

/// The largest arguments of one run, in bytes, unless the client is told otherwise.
pub(crate) const PAYLOAD_LIMIT: usize = 256 * 1024;

/// A boxed future: what the builders below become when awaited.
pub(super) type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Enqueues on behalf of a client or of a job that is being performed.
#[derive(Clone, Debug)]
pub(crate) struct Enqueuer {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) events: Events,
    pub(crate) payload_limit: usize,
    pub(crate) middleware: EnqueueLayers,
    #[cfg(feature = "testing")]
    pub(crate) witness: Option<std::sync::Weak<dyn Witness>>,
}

/// Acts on each enqueue, before its caller goes on.
#[cfg(feature = "testing")]
#[async_trait::async_trait]
pub(crate) trait Witness: std::fmt::Debug + Send + Sync {
    async fn enqueued(&self) -> Result<()>;
}

impl Enqueuer {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            events: Events::new(),
            payload_limit: PAYLOAD_LIMIT,
            middleware: EnqueueLayers::default(),
            #[cfg(feature = "testing")]
            witness: None,
        }
    }

    pub(crate) fn enqueue<J: Job>(&self, job: J) -> Enqueue<J> {
        Enqueue { enqueuer: self.clone(), job, id: None, place: Place::default() }
    }

    pub(crate) fn enqueue_all<J: Job, I>(&self, jobs: I) -> EnqueueAll<J, I::IntoIter>
    where
        I: IntoIterator<Item = J>,
    {
        let jobs = jobs.into_iter();
        EnqueueAll {
            enqueuer: self.clone(),
            jobs,
            id: |_| RunId::random(),
            place: Place::default(),
            job: PhantomData,
        }
    }

    /// Sends runs of one job to one queue, by way of the middleware, if there is any.
    async fn send(
        &self,
        queue: &QueueName,
        job: &JobName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        match self.middleware.is_empty() {
            true => self.put(queue, job, runs, durability).await,
            false => self.middleware.enqueue(self, queue, job, runs.to_vec(), durability).await,
        }
    }

    /// Puts runs of one job into one queue, in one call.
    pub(crate) async fn put(
        &self,
        queue: &QueueName,
        job: &JobName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let (answers, met) = match durability {
            Durability::Memory => (self.backend.enqueue(queue, runs).await?, Met::fully(durability)),
            _ => self.backend.enqueue_durably(queue, runs, durability).await?,
        };
        self.events.emit(|| {
            let new = answers.iter().filter(|answer| answer.is_new()).count();
            let id = match runs {
                [run] => Some(run.id.clone()),
                _ => None,
            };
            let duplicates = answers.len() - new;
            Event::Enqueued { queue: queue.clone(), job: job.clone(), id, new, duplicates }
        });
        #[cfg(feature = "testing")]
        if let Some(witness) = self.witness.as_ref().and_then(std::sync::Weak::upgrade) {
            witness.enqueued().await?;
        }
        Ok((answers, met))
    }

    /// A run of a job, if its arguments are not too large.
    pub(crate) fn run_of<J: Job>(&self, id: RunId, when: When, name: &JobName, job: &J) -> Result<NewRun> {
        let args = self.arguments(job)?;
        let body = Body { version: J::SPEC.version, ..Body::new(name, &args) };
        Ok(NewRun::new(id, when, &body))
    }

    fn arguments<J: Job>(&self, job: &J) -> Result<Box<RawValue>> {
        let name = J::SPEC.name;
        let args = to_raw_value(job)
            .map_err(|why| Error::Unserializable { job: name.into(), source: why.into() })?;
        let size = args.get().len();
        if size > self.payload_limit {
            return Err(Error::PayloadTooLarge { job: name.into(), size, limit: self.payload_limit });
        }
        Ok(args)
    }
}

/// Where and when: what one enqueue and many have in common.
#[derive(Clone, Debug, Default)]
struct Place {
    queue: Option<String>,
    when: When,
}

impl Place {
    fn queue<J: Job>(&self) -> Result<QueueName> {
        Ok(QueueName::new(self.queue.as_deref().unwrap_or(J::SPEC.queue))?)
    }
}

/// One run about to be enqueued. Nothing happens until it is awaited.
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
    enqueuer: Enqueuer,
    job: J,
    id: Option<RunId>,
    place: Place,
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

    /// Enqueues in another queue than the job's own. The name is checked when this is awaited.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.place.queue = Some(queue.into());
        self
    }

    /// Gives the run an id. While the queue holds a run of that id, another one is not enqueued but
    /// answered as [`Enqueued::Duplicate`]: an enqueue whose answer was lost can be repeated.
    pub fn id(mut self, id: RunId) -> Self {
        self.id = Some(id);
        self
    }

    /// Waits until the run is as safe as this, or for as long as that says, and answers which it was. Said last, after
    /// when and where.
    pub fn durability(self, durability: Durability) -> Durably<Self> {
        Durably { enqueue: self, durability }
    }

    pub(super) async fn send(self, durability: Durability) -> Result<(Enqueued, Met)> {
        let queue = self.place.queue::<J>()?;
        let job = JobName::new(J::SPEC.name)?;
        let id = self.id.unwrap_or_else(RunId::random);
        let run = self.enqueuer.run_of(id, self.place.when, &job, &self.job)?;
        let span = tracing::info_span!(target: "mosquito", "enqueue", %queue, %job);
        let (mut answers, met) =
            self.enqueuer.send(&queue, &job, &[run], durability).instrument(span).await?;
        Ok((answers.pop().expect("a backend answers for each run"), met))
    }
}

impl<J: Job> IntoFuture for Enqueue<J> {
    type Output = Result<Enqueued>;
    type IntoFuture = Pending<Enqueued>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.send(Durability::Memory).await?.0) })
    }
}

/// Many runs of one job about to be enqueued, in as few calls of the backend as it takes. Nothing happens
/// until it is awaited; the answers are in the order given.
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
    enqueuer: Enqueuer,
    jobs: I,
    id: fn(&J) -> RunId,
    place: Place,
    job: PhantomData<fn(J)>,
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

    /// Gives each run an id made from its job, as [`Enqueue::id`] does for one.
    pub fn id_by(mut self, id: fn(&J) -> RunId) -> Self {
        self.id = id;
        self
    }

    /// Waits until the runs are as safe as this, and answers whether all of them are. Each call of the store, of up to
    /// 1,000 runs, waits by itself; after one that fell short, the rest are enqueued without a wait.
    pub fn durability(self, durability: Durability) -> Durably<Self> {
        Durably { enqueue: self, durability }
    }

    pub(super) async fn send(self, durability: Durability) -> Result<(Vec<Enqueued>, Met)> {
        let queue = self.place.queue::<J>()?;
        let name = JobName::new(J::SPEC.name)?;
        let (mut answers, mut met) = (Vec::new(), Met::fully(durability));
        let mut jobs = self.jobs.peekable();
        while jobs.peek().is_some() {
            let (mut chunk, mut bytes) = (Vec::new(), 0);
            // A failure in the middle of a chunk lets those before it through.
            let mut failure = None;
            while chunk.len() < CHUNK_RUNS
                && bytes < CHUNK_BYTES
                && let Some(job) = jobs.next()
            {
                match self.enqueuer.run_of((self.id)(&job), self.place.when, &name, &job) {
                    Ok(run) => {
                        bytes += run.body().len();
                        chunk.push(run);
                    }
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            if !chunk.is_empty() {
                let span = tracing::info_span!(target: "mosquito", "enqueue", %queue, job = %name);
                let durability = if met.is_met() { durability } else { Durability::Memory };
                match self.enqueuer.send(&queue, &name, &chunk, durability).instrument(span).await {
                    Ok((more, so_far)) => {
                        answers.extend(more);
                        if met.is_met() {
                            met = so_far;
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
            if let Some(source) = failure {
                return Err(Error::Incomplete { enqueued: answers.len(), source: Box::new(source) });
            }
        }
        Ok((answers, met))
    }
}

impl<J: Job, I: Iterator<Item = J> + Send + 'static> IntoFuture for EnqueueAll<J, I> {
    type Output = Result<Vec<Enqueued>>;
    type IntoFuture = Pending<Vec<Enqueued>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.send(Durability::Memory).await?.0) })
    }
}
