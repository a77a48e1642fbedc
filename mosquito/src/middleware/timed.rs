//! Tells how long attempts take.

use std::fmt;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::job::JobResult;
use crate::job_run::JobRun;
use crate::middleware::{Attempt, Middleware, Next};

/// Tells a function how long each attempt took, and what it ended with: for a histogram, or a warning about what is slow.
///
/// What it measures is what stands within it: the middleware that was added after it, and the job. The function is called where the
/// attempt is performed, so it should be quick.
///
/// ```standalone_crate
/// # use mosquito::testing::Testing;
/// # use mosquito::{Context, Perform, job};
/// # #[job] struct Greet;
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// use std::time::Duration;
/// use mosquito::middleware::Timed;
/// use mosquito::{JobResult, JobRun};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let timed = Timed::new(|run: &JobRun, took: Duration, result: &JobResult| {
///     println!("{} of {}: {took:?}, {}", run.id, run.envelope.job, if result.is_ok() { "well" } else { "not well" });
/// });
/// # let testing = Testing::record().middleware(timed).await?;
/// # assert!(testing.perform(Greet).await?.succeeded());
/// # Ok(()) }
/// ```
pub struct Timed<F>(F);

impl<F: Fn(&JobRun, Duration, &JobResult) + Send + Sync + 'static> Timed<F> {
    /// Tells `tell`.
    #[must_use]
    pub fn new(tell: F) -> Self {
        Self(tell)
    }
}

#[async_trait]
impl<F: Fn(&JobRun, Duration, &JobResult) + Send + Sync + 'static> Middleware for Timed<F> {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let begin = Instant::now();
        let result = next.perform(attempt).await;
        (self.0)(attempt.run(), begin.elapsed(), &result);
        result
    }
}

impl<F> fmt::Debug for Timed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timed")
    }
}
