//! A function that is asked before each enqueue.

use std::fmt;

use async_trait::async_trait;

use crate::backend::Enqueued;
use crate::error::Result;
use crate::middleware::{EnqueueMiddleware, NewRuns, NextEnqueue};

/// Calls a function before each enqueue, which may change where and when the runs go, or refuse them.
///
/// ```
/// # use mosquito::{Context, JobResult, Perform, job};
/// # #[job] struct Export { tenant: String }
/// # impl Perform for Export { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[derive(serde::Deserialize)] struct OfTenant { tenant: String }
/// # use mosquito::serde;
/// use mosquito::middleware::{BeforeEnqueue, NewRuns};
/// use mosquito::{Mosquito, QueueName, serde_json};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// // What the trial tenant exports waits in a queue of its own.
/// let apart = BeforeEnqueue::new(|runs: &mut NewRuns| {
///     for mut run in runs.iter_mut() {
///         let args: Result<OfTenant, _> = serde_json::from_str(run.args().get());
///         if args.is_ok_and(|args| args.tenant == "trial") {
///             run.set_queue(QueueName::new("trial")?);
///         }
///     }
///     Ok(())
/// });
/// let mosquito = Mosquito::builder().enqueue_middleware(apart).connect("memory://").await?;
///
/// mosquito.enqueue_all(["acme", "trial", "apex"].map(|tenant| Export { tenant: tenant.into() })).await?;
///
/// assert_eq!(mosquito.queue("default")?.sizes().await?.waiting, 2);
/// assert_eq!(mosquito.queue("trial")?.sizes().await?.waiting, 1);
/// # Ok(()) }
/// ```
pub struct BeforeEnqueue<F>(F);

impl<F: Fn(&mut NewRuns) -> Result<()> + Send + Sync + 'static> BeforeEnqueue<F> {
    /// Calls `before`; an error keeps the runs out.
    #[must_use]
    pub fn new(before: F) -> Self {
        Self(before)
    }
}

#[async_trait]
impl<F: Fn(&mut NewRuns) -> Result<()> + Send + Sync + 'static> EnqueueMiddleware for BeforeEnqueue<F> {
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        (self.0)(runs)?;
        next.enqueue(runs).await
    }
}

impl<F> fmt::Debug for BeforeEnqueue<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BeforeEnqueue")
    }
}
