//! What a job sees of the world while it is performed.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::job::{Enqueue, EnqueueAll, Enqueuer, Halt, Job, Metadata, WhyCancelled};
use crate::job_run::{History, JobRun};
use crate::middleware::Extensions;
use crate::name::{JobName, QueueName, RunId};

/// The run that is being performed, the application's state, and the way to enqueue more.
pub struct Context<J: ?Sized> {
    core: Arc<Core>,
    job: PhantomData<fn(&J)>,
}

/// What every context of one run shares, whatever the job's type.
pub(crate) struct Core {
    pub(crate) run: JobRun,
    pub(crate) halt: Halt,
    pub(crate) states: Arc<States>,
    pub(crate) enqueuer: Enqueuer,
    /// What middleware gave this attempt, once the job begins.
    pub(crate) extensions: OnceLock<Extensions>,
}

/// The application's state, by type.
#[derive(Default)]
pub(crate) struct States(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").field("types", &self.0.len()).finish_non_exhaustive()
    }
}

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, state: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(state));
    }

    pub(crate) fn has(&self, id: TypeId) -> bool {
        self.0.contains_key(&id)
    }

    fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

/// A job that declares, by `#[job(state(T))]`, that it uses the application's `T`.
#[diagnostic::on_unimplemented(
    message = "the job `{Self}` does not declare that it uses `{T}`",
    label = "`{T}` is not declared",
    note = "add it to the job's attribute: `#[job(state({T}))]`"
)]
pub trait NeedsState<T> {}

impl<J> Context<J> {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, job: PhantomData }
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.core.run.id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.core.run.attempt
    }

    /// The queue the run was dequeued from; of one with [partitions](crate::guide::partitions), the partition: its
    /// [`whole`](QueueName::whole) is the queue.
    #[must_use]
    pub fn queue(&self) -> &QueueName {
        &self.core.run.queue
    }

    /// When the backend took the run.
    #[must_use]
    pub fn enqueued_at(&self) -> Timestamp {
        self.core.run.envelope.enqueued_at
    }

    /// The moment in its schedule that a periodic job's run stands for: the same at each attempt.
    #[must_use]
    pub fn tick(&self) -> Option<Timestamp> {
        self.core.run.envelope.tick
    }

    /// What the attempt before this one failed of.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.core.run.history.error.as_deref()
    }

    /// What became of the attempts before this one: how many there were, and how the first and the last ones ended.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.core.run.history
    }

    /// The application's `T`, which the runner was given by `state(..)`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> &T
    where
        J: NeedsState<T>,
    {
        self.core.states.get().expect("a runner performs only jobs whose states it has")
    }

    /// The `T` that a [middleware](crate::middleware::Attempt::insert) gave this attempt; nothing when none did.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.core.extensions.get()?.get()
    }

    /// Fires when the run should come to an end: somebody cancelled it, the shutdown's grace is over, its time is up, or
    /// its lease was lost and somebody else performs it. [`why_cancelled`](Self::why_cancelled) tells which.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        self.core.halt.token()
    }

    /// Whether the [token](Self::token) has fired.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.token().is_cancelled()
    }

    /// Why the [token](Self::token) has fired; nothing while it has not. The first reason stays.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Perform, job};
    /// use mosquito::WhyCancelled;
    ///
    /// #[job]
    /// struct Import;
    ///
    /// impl Perform for Import {
    ///     async fn perform(&self, cx: &Context<Self>) -> JobResult {
    ///         cx.token().cancelled().await;
    ///         if cx.why_cancelled() == Some(WhyCancelled::Requested) {
    ///             println!("nobody wants it any more: what is there of it can go");
    ///         }
    ///         Err("told to end".into())
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn why_cancelled(&self) -> Option<WhyCancelled> {
        self.core.halt.why()
    }

    /// What this job type keeps for itself in the store, from run to run.
    #[must_use]
    pub fn metadata(&self) -> Metadata
    where
        J: Job,
    {
        let name = JobName::new(J::SPEC.name).expect("the registry was checked when it was collected");
        Metadata::new(&self.core.enqueuer.backend, name)
    }

    /// Enqueues a run of a job; see [`Enqueue`] for when and where.
    pub fn enqueue<K: Job>(&self, job: K) -> Enqueue<K> {
        self.core.enqueuer.enqueue(job)
    }

    /// Enqueues many runs of a job; see [`EnqueueAll`].
    pub fn enqueue_all<K: Job, I>(&self, jobs: I) -> EnqueueAll<K, I::IntoIter>
    where
        I: IntoIterator<Item = K>,
    {
        self.core.enqueuer.enqueue_all(jobs)
    }
}

impl<J> Clone for Context<J> {
    fn clone(&self) -> Self {
        Self::new(self.core.clone())
    }
}

impl<J> fmt::Debug for Context<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("id", self.id())
            .field("attempt", &self.attempt())
            .finish_non_exhaustive()
    }
}
