//! One run of a job whose type is known no more: decoded, and ready to be performed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;

use crate::job::{
    Context, Core, Job, JobError, JobResult, Kind, Perform, PerformBlocking, Undecodable, arguments,
    panic_message,
};

/// One run, decoded: each step is a future of its own, so that the executor can bound and guard it.
pub(crate) trait Performance: Send + Sync {
    fn before(&self) -> BoxFuture<'_, JobResult>;
    fn perform(&self) -> BoxFuture<'_, JobResult>;
    fn after<'a>(&'a self, result: &'a JobResult) -> BoxFuture<'a, ()>;
    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration>;
    /// Whether `perform` holds a thread, which a timeout cannot take away from it.
    fn holds_its_thread(&self) -> bool;
}

pub(super) type Decode = fn(&RawValue, &Arc<Core>) -> Result<Box<dyn Performance>, Undecodable>;

/// Decodes arguments, ready to be performed.
pub(super) fn decode<J: Job, P: Performance + From<Decoded<J>> + 'static>(
    args: &RawValue,
    core: &Arc<Core>,
) -> Result<Box<dyn Performance>, Undecodable> {
    let job: J = arguments::decode(args)?;
    Ok(Box::new(P::from(Decoded { job, cx: Context::new(core.clone()) })))
}

pub(super) struct Decoded<J> {
    job: J,
    cx: Context<J>,
}

pub(super) struct Async<J>(Decoded<J>);

impl<J> From<Decoded<J>> for Async<J> {
    fn from(decoded: Decoded<J>) -> Self {
        Self(decoded)
    }
}

impl<J: Perform> Performance for Async<J> {
    fn before(&self) -> BoxFuture<'_, JobResult> {
        Box::pin(self.0.job.before(&self.0.cx))
    }

    fn perform(&self) -> BoxFuture<'_, JobResult> {
        Box::pin(self.0.job.perform(&self.0.cx))
    }

    fn after<'a>(&'a self, result: &'a JobResult) -> BoxFuture<'a, ()> {
        Box::pin(self.0.job.after(&self.0.cx, result))
    }

    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration> {
        self.0.job.retry_after(attempt, error)
    }

    fn holds_its_thread(&self) -> bool {
        false
    }
}

pub(super) struct Blocking<J>(Arc<Decoded<J>>);

impl<J> From<Decoded<J>> for Blocking<J> {
    fn from(decoded: Decoded<J>) -> Self {
        Self(Arc::new(decoded))
    }
}

impl<J: PerformBlocking> Performance for Blocking<J> {
    fn before(&self) -> BoxFuture<'_, JobResult> {
        // Its own thread is started by `perform` alone, so a hook belongs there too.
        Box::pin(std::future::ready(Ok(())))
    }

    fn perform(&self) -> BoxFuture<'_, JobResult> {
        let decoded = self.0.clone();
        Box::pin(on_a_thread(move || {
            let Decoded { job, cx } = &*decoded;
            job.before(cx)?;
            let result = catch_unwind(AssertUnwindSafe(|| job.perform(cx)))
                .unwrap_or_else(|panic| Err(JobError(Kind::Panicked(panic_message(panic)))));
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job.after(cx, &result))) {
                let error = panic_message(panic);
                tracing::error!(target: "mosquito", error, "the after hook panicked; the outcome stands");
            }
            result
        }))
    }

    fn after<'a>(&'a self, _: &'a JobResult) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration> {
        self.0.job.retry_after(attempt, error)
    }

    fn holds_its_thread(&self) -> bool {
        true
    }
}

/// Calls a function on a thread that does not belong to the runtime: one that never returns cannot keep
/// the process from ending. There are as many such threads as there are executors at most.
async fn on_a_thread(work: impl FnOnce() -> JobResult + Send + 'static) -> JobResult {
    let (done, result) = tokio::sync::oneshot::channel();
    let span = tracing::Span::current();
    std::thread::Builder::new().name("mosquito-blocking".into()).spawn(move || {
        let _entered = span.enter();
        let caught = catch_unwind(AssertUnwindSafe(work));
        // Nobody listens when the executor has given up on the run.
        let _ = done.send(caught);
    })?;
    match result.await.map_err(|_| "the thread of a blocking job ended without an answer")? {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
