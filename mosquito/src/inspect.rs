//! What an operator sees from outside: which overseers there are, and when periodic jobs tick.

use crate::client::Mosquito;
use crate::error::{BuildError, Result};
use crate::job::{Registration, Registry, Rhythm, Schedule};
use crate::presence::roll;
use crate::{JobName, OverseerReport, QueueName, Timestamp};

/// A periodic job of this program, and where its schedule stands; see [`Mosquito::periodic`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PeriodicReport {
    /// The job.
    pub job: JobName,
    /// Its queue.
    pub queue: QueueName,
    /// How its ticks lie in time.
    pub rhythm: Rhythm,
    /// The tick that its schedule was advanced to last, by the store's clock; or when a runner first saw the job. Nothing when none did.
    pub last_tick: Option<Timestamp>,
    /// The tick after that one. When it has passed, no runner keeps the schedule.
    pub next_tick: Option<Timestamp>,
}

impl Mosquito {
    /// The overseers that work on this store, in whatever process, in the order of having begun: where each runs, how many executors it
    /// has, and what those perform.
    ///
    /// ```standalone_crate
    /// # use std::time::Duration;
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// # #[job] struct Nap;
    /// # impl Perform for Nap { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    /// let runner = mosquito.runner().name("worker-1").executors(4).build()?;
    /// # let handle = runner.handle();
    /// let running = tokio::spawn(runner.run());
    ///
    /// # while mosquito.overseers().await?.is_empty() { tokio::time::sleep(Duration::from_millis(1)).await }
    /// for overseer in mosquito.overseers().await? {
    ///     println!("{:?} on {}: {} of {} busy", overseer.name, overseer.host, overseer.busy, overseer.executors);
    ///     for one in &overseer.performing {
    ///         println!("  {} {}, attempt {}, since {}", one.job, one.run, one.attempt, one.since);
    ///     }
    /// }
    /// # assert_eq!(mosquito.overseers().await?[0].executors, 4);
    /// # handle.stop();
    /// # running.await??;
    /// # assert!(mosquito.overseers().await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// Each tells every 5 s what it performs, or what else has changed, and every 20 s that it is idle. One that has stopped is gone at
    /// once; one that died, or lost its store, is left out after 50 s, and so is what another release wrote and this one cannot read. Up to 1,000 are told of.
    ///
    /// # Errors
    ///
    /// When the backend is out of reach.
    pub async fn overseers(&self) -> Result<Vec<OverseerReport>> {
        roll::present(&**self.backend()).await
    }

    /// The periodic jobs that are linked into this program, in the order of their names, and where their schedules stand in the store.
    /// To ask begins no schedule.
    ///
    /// ```standalone_crate
    /// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
    /// #[job(queue = "reports", cron = "0 6 * * MON-FRI")]
    /// struct DailyReport;
    /// # impl Perform for DailyReport { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
    /// let mosquito = Mosquito::connect("memory://").await?;
    ///
    /// let periodic = mosquito.periodic().await?;
    ///
    /// assert_eq!(periodic[0].job.as_str(), "daily_report");
    /// assert_eq!(periodic[0].last_tick, None); // no runner has seen it yet
    /// # assert_eq!((periodic.len(), periodic[0].next_tick), (1, None));
    /// # assert!(mosquito.queues().await?.is_empty());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// When the backend is out of reach; [`Error::Build`](crate::Error::Build) when this program has no jobs, or jobs that no runner would
    /// be built with.
    pub async fn periodic(&self) -> Result<Vec<PeriodicReport>> {
        let (registry, problems) = Registry::collect();
        if !problems.is_empty() {
            return Err(BuildError::new(problems).into());
        }
        let mut reports = Vec::new();
        for job in registry.jobs() {
            reports.extend(self.periodic_report(job).await?);
        }
        Ok(reports)
    }

    async fn periodic_report(&self, registration: &Registration) -> Result<Option<PeriodicReport>> {
        let spec = registration.spec;
        let Some(schedule) = spec.schedule else { return Ok(None) };
        let (job, queue) = (JobName::new(spec.name)?, QueueName::new(spec.queue)?);
        let last_tick = self.backend().ticked(&queue, &job).await?;
        let ticks = Schedule::read(&schedule).expect("the registry was checked when it was collected");
        let next_tick = last_tick.and_then(|last| ticks.next_after(last));
        Ok(Some(PeriodicReport { job, queue, rhythm: schedule.rhythm, last_tick, next_tick }))
    }
}
