//! What stands around every enqueue.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::backend::{Durability, Enqueued, Met};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::job::Enqueuer;
use crate::job_run::{NewRun, When};
use crate::middleware::Extensions;
use crate::name::{JobName, QueueName, RunId};

/// Application code around every enqueue of a client: also of its clones, and of the jobs that its runners perform.
///
/// It may change where the runs go and when they are due, refuse them, and look at the answer. What they are to do stays as it is.
///
/// ```
/// # use mosquito::{Context, JobResult, Perform, job};
/// # #[job] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// use mosquito::middleware::{EnqueueMiddleware, NewRuns, NextEnqueue};
/// use mosquito::{Enqueued, Mosquito, Result, async_trait};
///
/// /// Takes nothing any more.
/// struct Closed;
///
/// #[async_trait]
/// impl EnqueueMiddleware for Closed {
///     async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
///         if runs.job().as_str() == "greet" {
///             return Err(runs.refused("Closed", "nobody is greeted any more"));
///         }
///         next.enqueue(runs).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = Mosquito::builder().enqueue_middleware(Closed).connect("memory://").await?;
/// let refused = mosquito.enqueue(Greet { name: "Ada".into() }).await.unwrap_err();
/// assert_eq!(refused.to_string(), "enqueueing job `greet` was refused by Closed: nobody is greeted any more");
/// # Ok(()) }
/// ```
///
/// - It is called **once for each call of the store**: for one run, or for up to 1,000 of a bulk enqueue. To refuse refuses all of that call;
///   those of the calls before it are enqueued, as [`Error::Incomplete`] says. Calls for several partitions of a queue are made at the same time.
/// - It is **not called for the ticks** of periodic jobs. The store enqueues those itself, once for all processes, whichever of them
///   asks first. A tick that is not to be performed is put off, or dropped, by a [`Middleware`](crate::middleware::Middleware).
/// - Whoever enqueues waits for it, without a limit of ours, and a panic in it is theirs.
#[async_trait]
pub trait EnqueueMiddleware: Send + Sync + 'static {
    /// Stands around one call of the store. Goes on by [`NextEnqueue::enqueue`], or refuses by [`NewRuns::refused`].
    ///
    /// # Errors
    ///
    /// Whatever it fails of: nothing is enqueued unless it went on.
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>>;
}

#[async_trait]
impl<M: EnqueueMiddleware + ?Sized> EnqueueMiddleware for Arc<M> {
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        (**self).enqueue(runs, next).await
    }
}

/// Runs of one job that are about to be enqueued in one call of the store.
pub struct NewRuns {
    job: JobName,
    runs: Vec<NewRun>,
    /// Where each of them goes.
    queues: Vec<QueueName>,
    extensions: Extensions,
    /// How safe the store made them.
    met: Met,
}

impl NewRuns {
    /// The job they are runs of.
    #[must_use]
    pub fn job(&self) -> &JobName {
        &self.job
    }

    /// How many they are: from 1 to 1,000.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "they never are")]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Each of them, to look at and to put elsewhere.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = PlacedRun<'_>> {
        let job = &self.job;
        self.runs.iter_mut().zip(&mut self.queues).map(move |(run, queue)| PlacedRun { job, run, queue })
    }

    /// Gives a `T` to the middleware further in. It is not stored, and no job sees it. One of each type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.extensions.insert(value);
    }

    /// The `T` that a middleware gave.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get()
    }

    /// The error of whoever does not let them in.
    #[must_use]
    pub fn refused(&self, by: impl Into<String>, reason: impl Into<String>) -> Error {
        Error::EnqueueRefused { job: self.job.to_string(), by: by.into(), reason: reason.into() }
    }
}

impl fmt::Debug for NewRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewRuns").field("job", &self.job).field("runs", &self.runs).finish_non_exhaustive()
    }
}

/// One run, and the place it is about to be put.
#[derive(Debug)]
pub struct PlacedRun<'a> {
    job: &'a JobName,
    run: &'a mut NewRun,
    queue: &'a mut QueueName,
}

#[derive(Deserialize)]
struct Args<'a> {
    #[serde(borrow)]
    args: &'a RawValue,
}

impl PlacedRun<'_> {
    /// The id under which it will stand in its queue.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.run.id
    }

    /// Its arguments, as JSON. Looked for anew at each call.
    #[must_use]
    pub fn args(&self) -> &RawValue {
        let body: Args<'_> = serde_json::from_str(self.run.body()).expect("a body has arguments");
        body.args
    }

    /// The queue that it goes to; of one with [partitions](crate::guide::partitions), the partition: its [`whole`](QueueName::whole) is the
    /// queue.
    #[must_use]
    pub fn queue(&self) -> &QueueName {
        self.queue
    }

    /// Puts it into another queue; into one with [partitions](crate::guide::partitions), by the name of a
    /// [partition](QueueName::at_partition).
    pub fn set_queue(&mut self, queue: QueueName) {
        *self.queue = queue;
    }

    /// When it may be performed.
    #[must_use]
    pub fn when(&self) -> When {
        self.run.when
    }

    /// Has it performed at another time.
    pub fn set_when(&mut self, when: When) {
        self.run.when = when;
    }

    /// What goes before it and what holds it up.
    #[must_use]
    pub fn flow(&self) -> Flow {
        self.run.flow.as_deref().cloned().unwrap_or_default()
    }

    /// Has it flow otherwise.
    ///
    /// # Errors
    ///
    /// [`Error::Flow`] when it [cannot](Flow::problem) flow so.
    pub fn set_flow(&mut self, flow: Flow) -> Result<()> {
        if let Some(reason) = flow.problem() {
            return Err(Error::Flow { job: self.job.to_string(), reason: reason.into() });
        }
        self.run.flow = (!flow.is_plain()).then(|| Box::new(flow));
        Ok(())
    }
}

/// The rest of the way to the store.
///
/// To go on twice enqueues the same runs, under the same ids, once more: those that the store has already are duplicates.
#[derive(Clone, Copy)]
pub struct NextEnqueue<'a> {
    rest: &'a [Arc<dyn EnqueueMiddleware>],
    enqueuer: &'a Enqueuer,
    durability: Durability,
}

impl NextEnqueue<'_> {
    /// Goes on: through the middleware further in to the store. The answers are in the order of the runs.
    ///
    /// # Errors
    ///
    /// When one further in refuses, or the store is out of reach. Runs for several queues take a call of the store for each: those of the
    /// first ones may be enqueued then.
    pub async fn enqueue(self, runs: &mut NewRuns) -> Result<Vec<Enqueued>> {
        let Self { rest, enqueuer, durability } = self;
        match rest.split_first() {
            Some((first, rest)) => first.enqueue(runs, NextEnqueue { rest, enqueuer, durability }).await,
            None => put(runs, enqueuer, durability).await,
        }
    }
}

impl fmt::Debug for NextEnqueue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextEnqueue").field("middleware", &self.rest.len()).finish_non_exhaustive()
    }
}

/// One call of the store for each queue, which is usually one.
async fn put(new: &mut NewRuns, enqueuer: &Enqueuer, durability: Durability) -> Result<Vec<Enqueued>> {
    let NewRuns { job, runs, queues, met, .. } = new;
    *met = Met::fully(durability);
    if let Some(queue) = queues.first()
        && queues.iter().all(|other| other == queue)
    {
        let (answers, so_far) = enqueuer.put(queue, job, runs, durability).await?;
        *met = so_far;
        return Ok(answers);
    }
    let mut answers = vec![None; runs.len()];
    while let Some(first) = answers.iter().position(Option::is_none) {
        let queue = &queues[first];
        let places: Vec<_> = (first..runs.len()).filter(|place| queues[*place] == *queue).collect();
        let together: Vec<_> = places.iter().map(|place| runs[*place].clone()).collect();
        let durability = if met.is_met() { durability } else { Durability::Memory };
        let (some, so_far) = enqueuer.put(queue, job, &together, durability).await?;
        if met.is_met() {
            *met = so_far;
        }
        for (place, answer) in places.into_iter().zip(some) {
            answers[place] = Some(answer);
        }
    }
    Ok(answers.into_iter().flatten().collect())
}

/// The middleware of a client, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct EnqueueLayers(Option<Arc<Vec<Arc<dyn EnqueueMiddleware>>>>);

impl EnqueueLayers {
    pub(crate) fn add(&mut self, middleware: impl EnqueueMiddleware) {
        Arc::make_mut(self.0.get_or_insert_default()).push(Arc::new(middleware));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Sends runs through all of it.
    pub(crate) async fn enqueue(
        &self,
        enqueuer: &Enqueuer,
        queue: &QueueName,
        job: &JobName,
        runs: Vec<NewRun>,
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let rest = self.0.as_ref().map_or(&[][..], |layers| layers.as_slice());
        let (job, queues) = (job.clone(), vec![queue.clone(); runs.len()]);
        let mut runs =
            NewRuns { job, runs, queues, extensions: Extensions::default(), met: Met::fully(durability) };
        let answers = NextEnqueue { rest, enqueuer, durability }.enqueue(&mut runs).await?;
        if answers.len() != runs.len() {
            let why =
                format!("it answered for {} runs, and {} were to be enqueued", answers.len(), runs.len());
            return Err(runs.refused("a middleware", why));
        }
        Ok((answers, runs.met))
    }
}

impl fmt::Debug for EnqueueLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} middleware", self.0.as_ref().map_or(0, |layers| layers.len()))
    }
}
