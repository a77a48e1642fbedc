//! Puts runs off before anything of them is performed.

use std::fmt;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::job::{JobError, JobResult};
use crate::job_run::JobRun;
use crate::middleware::{Attempt, Middleware, Next};

/// Puts a run off until a time, when a function says so; nothing of it is performed, and no attempt is used up. However often.
///
/// It is the [`snooze`](JobError::snooze) of every job: the run is scheduled for that time, to the store's clock. A time that is past puts
/// nothing off. The function is asked before each attempt; the time now is the run's `claimed_at`.
///
/// ```standalone_crate
/// # use mosquito::testing::Testing;
/// # use mosquito::{Context, JobResult, Perform, job};
/// # #[job(queue = "mail")] struct Greet { name: String }
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// use mosquito::JobRun;
/// use mosquito::chrono::{TimeDelta, Timelike};
/// use mosquito::middleware::Preempt;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Nothing is mailed before eight o'clock.
/// let at_night = Preempt::new("it is night", |run: &JobRun| {
///     let now = run.claimed_at;
///     let morning = now.date_naive().and_hms_opt(8, 0, 0)?.and_utc();
///     (run.queue.as_str() == "mail" && now.hour() < 8).then_some(morning)
/// });
/// let testing = Testing::record().at("2026-10-10T03:00:00Z".parse()?).middleware(at_night).await?;
/// testing.enqueue(Greet { name: "Ada".into() }).await?;
///
/// let night = testing.drain().await?;
/// assert_eq!((night.snoozed, night.succeeded), (1, 0));
/// let morning = testing.run_for(TimeDelta::hours(5).to_std()?).await?;
/// assert_eq!((morning.succeeded, morning.runs[0].attempt), (1, 1));
/// # Ok(()) }
/// ```
pub struct Preempt<F> {
    reason: String,
    until: F,
}

impl<F: Fn(&JobRun) -> Option<Timestamp> + Send + Sync + 'static> Preempt<F> {
    /// Puts off whatever `until` answers a time for. The reason is for the log.
    #[must_use]
    pub fn new(reason: impl Into<String>, until: F) -> Self {
        Self { reason: reason.into(), until }
    }
}

#[async_trait]
impl<F: Fn(&JobRun) -> Option<Timestamp> + Send + Sync + 'static> Middleware for Preempt<F> {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let run = attempt.run();
        if let Some(until) = (self.until)(run)
            && let Ok(away) = (until - run.claimed_at).to_std()
            && !away.is_zero()
        {
            tracing::info!(target: "mosquito", %until, reason = self.reason, "preempted");
            return Err(JobError::snooze(away));
        }
        next.perform(attempt).await
    }
}

impl<F> fmt::Debug for Preempt<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preempt").field("reason", &self.reason).finish_non_exhaustive()
    }
}
