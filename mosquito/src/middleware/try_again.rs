//! Enqueues that outlast a short outage.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::backend::Enqueued;
use crate::error::Result;
use crate::middleware::{EnqueueMiddleware, NewRuns, NextEnqueue};

/// The first pause, and the longest.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tries an enqueue again while its store is out of reach: after 50 ms, then twice as long each time, up to 1 s and half of it more or less.
/// In the end it answers the last error.
///
/// The runs keep their ids, so one whose answer was lost is not enqueued a second time, and answered as a
/// [`Duplicate`](Enqueued::Duplicate); unless it was performed and forgotten in the meantime: then it is performed again.
///
/// ```
/// # async fn connect() -> mosquito::Result<()> {
/// use std::time::Duration;
/// use mosquito::Mosquito;
/// use mosquito::middleware::TryAgain;
///
/// let patient = TryAgain::for_up_to(Duration::from_secs(10));
/// let mosquito = Mosquito::builder().enqueue_middleware(patient).connect("redis://127.0.0.1/").await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TryAgain {
    limit: Duration,
}

impl TryAgain {
    /// Begins no try later than so long after the first one. A try itself takes as long as a call of the store may take.
    #[must_use]
    pub fn for_up_to(limit: Duration) -> Self {
        Self { limit }
    }
}

#[async_trait]
impl EnqueueMiddleware for TryAgain {
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        let begin = Instant::now();
        let mut pause = PAUSE;
        loop {
            let answer = next.enqueue(runs).await;
            let left = self.limit.saturating_sub(begin.elapsed());
            match answer {
                Err(error) if error.is_transient() && !left.is_zero() => {
                    tracing::debug!(target: "mosquito", ?error, "an enqueue is tried again");
                    // Many that meet the same outage do not come back together.
                    tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64()).min(left)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}
