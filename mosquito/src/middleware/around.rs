//! One attempt, with its middleware around it.
//!
//! Invariants: middleware takes no longer than [`LIMIT`] in one stretch, however long its job takes; and nothing is settled while a
//! blocking job still holds its thread, whatever middleware did with it.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::job::{Core, JobError, JobResult, JobSpec, Kind, WhyCancelled, panic_message};
use crate::middleware::{Attempt, Layers, Next};

/// How long middleware may take before the job, and how long after it.
const LIMIT: Duration = Duration::from_secs(30);

/// Performs `work`, which is all that the job itself is, with middleware around it.
pub(crate) async fn around(
    layers: &Layers,
    core: &Core,
    job: &'static JobSpec,
    work: impl Future<Output = JobResult> + Send,
    holds_its_thread: bool,
) -> JobResult {
    let (mut work, stage) = (pin!(work), Stage::default());
    let result = {
        let mut attempt = Attempt::new(core, job);
        let next = Next { rest: &layers.0, work: work.as_mut(), stage: &stage };
        let guarded = AssertUnwindSafe(next.perform(&mut attempt)).catch_unwind();
        match bounded(pin!(guarded), &stage).await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(JobError(Kind::Panicked(panic_message(panic)))),
            None => Err(format!("its middleware took longer than {LIMIT:?}").into()),
        }
    };
    if stage.is(Stage::CUT_OFF) {
        core.halt.fire(WhyCancelled::CutOff);
        if holds_its_thread {
            // Tried again beside its own thread, the run would be performed twice at once.
            tracing::warn!(target: "mosquito", "middleware cut a blocking job off; its token has fired, and it is waited for");
            let _ = work.await;
        }
    }
    result
}

/// How far an attempt is on its way through the middleware.
#[derive(Debug, Default)]
pub(super) struct Stage(AtomicU8);

impl Stage {
    const INSIDE: u8 = 1;
    const DONE: u8 = 2;
    const CUT_OFF: u8 = 3;

    /// Performs the job, and notes whether it came to its end.
    pub(super) async fn within(
        &self,
        work: Pin<&mut (dyn Future<Output = JobResult> + Send + '_)>,
    ) -> JobResult {
        struct Unfinished<'a>(&'a Stage);
        impl Drop for Unfinished<'_> {
            fn drop(&mut self) {
                if self.0.is(Stage::INSIDE) {
                    self.0.set(Stage::CUT_OFF);
                }
            }
        }

        self.set(Self::INSIDE);
        let _unfinished = Unfinished(self);
        let result = work.await;
        self.set(Self::DONE);
        result
    }

    fn is(&self, stage: u8) -> bool {
        self.0.load(Ordering::Relaxed) == stage
    }

    fn set(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }
}

/// Nothing when middleware takes too long. What the job takes is not counted: it has a timeout of its own.
async fn bounded<T>(mut way: Pin<&mut impl Future<Output = T>>, stage: &Stage) -> Option<T> {
    let mut limit = pin!(tokio::time::sleep(LIMIT));
    let mut counts = true;
    poll_fn(|cx| {
        if let Poll::Ready(answer) = way.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        let counted = std::mem::replace(&mut counts, !stage.is(Stage::INSIDE));
        if counts && !counted {
            limit.as_mut().reset(Instant::now() + LIMIT);
        }
        match counts && limit.as_mut().poll(cx).is_ready() {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    })
    .await
}
