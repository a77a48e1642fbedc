//! What stands around every attempt.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::job::{Core, JobResult, JobSpec};
use crate::job_run::JobRun;
use crate::middleware::Extensions;
use crate::middleware::around::Stage;

/// Application code around every attempt of every job of a runner: around `before`, `perform` and `after`.
///
/// It may look at the [attempt](Attempt), give the job something on its way, end the attempt early by an answer of its own, and look at what
/// became of it or answer something else. What it answers decides, as an answer of `perform` does: see [`JobError`](crate::JobError).
///
/// ```
/// use mosquito::middleware::{Attempt, Middleware, Next};
/// use mosquito::{JobError, JobResult, async_trait};
///
/// /// Drops what has waited for more than a day.
/// struct DropStale;
///
/// #[async_trait]
/// impl Middleware for DropStale {
///     async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
///         let run = attempt.run();
///         if (run.claimed_at - run.envelope.enqueued_at).num_hours() >= 24 {
///             return Err(JobError::discard("it is stale"));
///         }
///         next.perform(attempt).await
///     }
/// }
/// # async fn run() -> mosquito::Result<()> {
/// # let mosquito = mosquito::Mosquito::connect("memory://").await?;
/// let runner = mosquito.runner().middleware(DropStale).build()?;
/// # Ok(()) }
/// ```
///
/// - A **panic** in it is a failure of the attempt, as a panic of the job is.
/// - The job's **timeout** is that of the job: it begins when the last middleware goes on, and one that is over is an answer that
///   middleware sees. Beside the job, middleware may take 30 s before it and 30 s after it, all of them together; then the attempt has failed.
/// - It is called for runs that **can be performed** here: not for those whose job is unknown or whose arguments do not decode.
#[async_trait]
pub trait Middleware: Send + Sync + 'static {
    /// Stands around one attempt. Goes on by [`Next::perform`], or answers instead.
    ///
    /// Whoever drops the future of `next.perform` cuts the attempt off, as a [shutdown](crate::guide::stopping) does: `after` is not called, its
    /// token fires, and a blocking job is waited for all the same, before what was answered counts.
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult;
}

#[async_trait]
impl<M: Middleware + ?Sized> Middleware for Arc<M> {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        (**self).perform(attempt, next).await
    }
}

/// One attempt, as middleware sees it.
pub struct Attempt<'a> {
    core: &'a Core,
    job: &'static JobSpec,
    extensions: Extensions,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(core: &'a Core, job: &'static JobSpec) -> Self {
        Self { core, job, extensions: Extensions::default() }
    }

    /// The run. Its arguments may hold what is nobody's business: they are in `envelope.args`, and in no log of ours.
    #[must_use]
    pub fn run(&self) -> &JobRun {
        &self.core.run
    }

    /// What the job declares: its name of today, its policy, its timeout.
    #[must_use]
    pub fn job(&self) -> &'static JobSpec {
        self.job
    }

    /// Fires when the run should come to an end: see [`Context::token`](crate::Context::token). To fire it tells the job to end.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        self.core.halt.token()
    }

    /// Gives a `T` to this attempt: to the middleware further in, and to the job, by [`Context::extension`](crate::Context::extension). One of
    /// each type; a second one takes its place. What is given after the job was performed is seen by middleware alone.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.extensions.insert(value);
    }

    /// The `T` that this attempt was given.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get().or_else(|| self.core.extensions.get()?.get())
    }

    /// Hands what was given so far to the job.
    fn pass_on(&mut self) {
        // Set once: there is one `Next` for one attempt, and it goes on once.
        let _ = self.core.extensions.set(std::mem::take(&mut self.extensions));
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("run", self.run()).finish_non_exhaustive()
    }
}

/// The rest of the way to the job. It goes on once.
pub struct Next<'a> {
    pub(super) rest: &'a [Arc<dyn Middleware>],
    pub(super) work: Pin<&'a mut (dyn Future<Output = JobResult> + Send + 'a)>,
    pub(super) stage: &'a Stage,
}

impl Next<'_> {
    /// Goes on: through the middleware further in to `before`, `perform` and `after`.
    ///
    /// # Errors
    ///
    /// What the attempt ended with: that of the job, its panic, its timeout, or an answer of a middleware further in.
    pub async fn perform(self, attempt: &mut Attempt<'_>) -> JobResult {
        let Self { rest, work, stage } = self;
        match rest.split_first() {
            Some((first, rest)) => first.perform(attempt, Next { rest, work, stage }).await,
            None => {
                attempt.pass_on();
                stage.within(work).await
            }
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("middleware", &self.rest.len()).finish_non_exhaustive()
    }
}

/// The middleware of a runner, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct Layers(pub(super) Vec<Arc<dyn Middleware>>);

impl Layers {
    pub(crate) fn add(&mut self, middleware: impl Middleware) {
        self.0.push(Arc::new(middleware));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} middleware", self.0.len())
    }
}
