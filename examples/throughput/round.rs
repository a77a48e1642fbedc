//! One round: all runs are enqueued, and then drained, with an exact ledger.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mosquito::Mosquito;
use tokio::sync::Notify;

use crate::cost::Meter;
use crate::jobs::{Numbered, Tally};

/// What all rounds have in common.
pub(crate) struct Round<'a> {
    pub(crate) mosquito: &'a Mosquito,
    pub(crate) runs: usize,
    pub(crate) executors: usize,
}

impl Round<'_> {
    /// Enqueues and drains runs of a job.
    pub(crate) async fn of<J: Numbered>(&self, meter: &mut Meter) -> Result<Speed, Box<dyn Error>> {
        let Round { mosquito, runs, executors } = *self;
        let queue = mosquito.queue(J::SPEC.queue)?;
        if queue.sizes().await?.total() > 0 {
            return Err(format!("there are runs in the queue `{}` already", J::SPEC.queue).into());
        }
        println!("{}", J::KIND);

        let before = meter.read().await?;
        let start = Instant::now();
        let jobs = mosquito.enqueue_all((0..runs).map(J::number));
        jobs.flow(|job, flow| {
            job.adjust(flow);
            Ok(())
        })
        .await?;
        let enqueuing = start.elapsed();
        let enqueued = meter.read().await?;
        println!("  enqueued {runs} runs in {enqueuing:.1?}: {:.0} runs/s", rate(runs, enqueuing));
        println!("    {}", enqueued.since(&before).per(runs));

        let all = Arc::new(Notify::new());
        let tally = Tally::of(runs, all.clone());
        let runner = mosquito.runner().queues([J::SPEC.queue]).state(tally).executors(executors).build()?;
        let handle = runner.handle();
        let start = Instant::now();
        let running = tokio::spawn(runner.run());
        all.notified().await;
        // The last ones are performed, but their settlements may still be on their way.
        while queue.sizes().await?.total() > 0 {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        let draining = start.elapsed();
        let drained = meter.read().await?;
        handle.stop();
        let report = running.await??;
        println!(
            "  drained with {executors} executors in {draining:.1?}: {:.0} runs/s",
            rate(runs, draining)
        );
        println!("    {}", drained.since(&enqueued).per(runs));
        println!("  report: {report}");

        // Each was performed; if one was twice, the report counts more than there were.
        if report.performed != u64::try_from(runs)? {
            return Err(format!("{runs} runs were enqueued, but the report says: {report}").into());
        }
        Ok(Speed { enqueued: rate(runs, enqueuing), drained: rate(runs, draining) })
    }
}

/// In runs a second.
pub(crate) fn rate(runs: usize, took: Duration) -> f64 {
    runs as f64 / took.as_secs_f64()
}

/// How fast it was, in runs a second.
#[derive(Clone, Copy, Default)]
pub(crate) struct Speed {
    pub(crate) enqueued: f64,
    pub(crate) drained: f64,
}

impl Speed {
    /// The better one of each: what else the machine does makes things slower, never faster.
    pub(crate) fn best(self, other: Self) -> Self {
        Self { enqueued: self.enqueued.max(other.enqueued), drained: self.drained.max(other.drained) }
    }

    /// Enqueued and drained, one after the other.
    pub(crate) fn through(self) -> f64 {
        1.0 / (1.0 / self.enqueued + 1.0 / self.drained)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { enqueued, drained } = self;
        write!(f, "enqueued {enqueued:.0} runs/s, drained {drained:.0} runs/s")
    }
}
