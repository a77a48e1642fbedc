//! Moves due runs to `waiting` and enqueues periodic jobs, on one overseer at a time.
//!
//! The leadership only saves work: two coordinators at once would move each run, and enqueue each tick, once all
//! the same, since the store decides.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
use super::desk::Desk;
use super::queue_list::QueueList;
use super::reaper::around;
use crate::backend::{BATCH_LIMIT, Signal, Tick, Ticked};
use crate::error::Result;
use crate::events::Event;
use crate::job::{Registration, Schedule, ScheduleSpec};
use crate::job_run::{NewRun, When};
use crate::name::{JobName, QueueName, RunId};

/// How long a leadership lasts that is not renewed, or as long as an overseer is not taken for dead, if that is
/// shorter; it is renewed three times in that time.
const LEASE: Duration = Duration::from_secs(6);

/// How often every queue is looked at, whatever the signals say.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// How often a schedule is read anew, in case the store's clock jumped.
const REREAD_EVERY: Duration = Duration::from_secs(60);

/// How often dead runs that are too many or too old are removed; how many and how old that is.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const DEAD_KEPT: usize = 10_000;
const DEAD_KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);

pub(super) struct Coordinator<'a> {
    desk: &'a Desk,
    queues: &'a QueueList,
    periodic: Vec<Periodic>,
    /// When each queue is to be looked at next.
    due: HashMap<QueueName, Instant>,
    prune_at: Instant,
    lease: Duration,
    epoch: u64,
}

struct Periodic {
    job: JobName,
    queue: QueueName,
    spec: ScheduleSpec,
    schedule: Schedule,
    registration: &'static Registration,
    due: Instant,
}

impl<'a> Coordinator<'a> {
    pub(super) fn new(desk: &'a Desk, queues: &'a QueueList) -> Self {
        let (worked_on, lease) = (queues.now(), LEASE.min(desk.settings.dead_after));
        let periodic = desk
            .registry
            .jobs()
            .into_iter()
            .filter_map(Periodic::of)
            .filter(|periodic| worked_on.contains(&periodic.queue))
            .collect();
        Self { desk, queues, periodic, due: HashMap::new(), prune_at: Instant::now(), lease, epoch: 0 }
    }

    /// Coordinates whenever this overseer leads, until it stops.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        while !self.desk.stop.is_cancelled() {
            match self.desk.noted(self.lead_for_a_while().await) {
                Ok(()) => backoff.reset(),
                Err(_) => self.desk.rest(backoff.next()).await,
            }
        }
        // Whoever is next need not wait for the lease to run out; if this fails, it does.
        let resigned =
            tokio::time::timeout(Duration::from_secs(1), self.desk.backend.resign(&self.desk.overseer));
        let _ = resigned.await;
    }

    async fn lead_for_a_while(&mut self) -> Result<()> {
        let Some(epoch) = self.desk.backend.lead(&self.desk.overseer, self.lease).await? else {
            self.epoch = 0;
            self.desk.rest(around(self.lease / 3)).await;
            return Ok(());
        };
        if self.epoch != epoch {
            self.epoch = epoch;
            let overseer = self.desk.overseer.clone();
            self.desk.events.emit(|| Event::Leading { overseer, epoch });
            // Another leader may have moved on from where this one stood before.
            self.due.clear();
            self.periodic.iter_mut().for_each(|periodic| periodic.due = Instant::now());
        }
        let renew_at = Instant::now() + self.lease / 3;
        while Instant::now() < renew_at && !self.desk.stop.is_cancelled() {
            self.do_what_is_due().await?;
            self.wait_until(renew_at).await?;
        }
        Ok(())
    }

    async fn do_what_is_due(&mut self) -> Result<()> {
        for queue in &*self.queues.now() {
            if self.due.get(queue).is_none_or(|due| *due <= Instant::now()) {
                self.promote(queue).await?;
            }
        }
        for periodic in &mut self.periodic {
            if periodic.due <= Instant::now() {
                periodic.tick(self.desk).await?;
            }
        }
        if self.prune_at <= Instant::now() {
            for queue in &*self.queues.now() {
                while self.desk.backend.prune(queue, DEAD_KEPT, DEAD_KEPT_FOR, BATCH_LIMIT).await?
                    == BATCH_LIMIT
                {}
            }
            self.prune_at = Instant::now() + PRUNE_EVERY;
        }
        Ok(())
    }

    async fn promote(&mut self, queue: &QueueName) -> Result<()> {
        let promoted = self.desk.backend.promote(queue, BATCH_LIMIT).await?;
        if promoted.moved > 0 {
            self.desk.events.emit(|| Event::Promoted { queue: queue.clone(), runs: promoted.moved });
        }
        // More than fits in one call leaves a due time of zero: the loop comes back at once.
        let next = promoted.next_due.unwrap_or(SWEEP_EVERY).min(SWEEP_EVERY);
        self.due.insert(queue.clone(), Instant::now() + next);
        Ok(())
    }

    async fn wait_until(&mut self, latest: Instant) -> Result<()> {
        let next = self.due.values().copied().chain(self.periodic.iter().map(|periodic| periodic.due)).min();
        let pause = next.unwrap_or(latest).min(latest).saturating_duration_since(Instant::now());
        if pause.is_zero() {
            return Ok(());
        }
        let queues = self.queues.now();
        let signal = self.desk.backend.wait(Signal::Due, &queues, pause);
        if let Some(answer) = self.desk.stop.run_until_cancelled(signal).await
            && let Some(queue) = answer?
        {
            self.due.remove(&queue);
        }
        Ok(())
    }
}

impl Periodic {
    fn of(registration: &'static Registration) -> Option<Self> {
        let spec = registration.spec.schedule?;
        let checked = "the registry was checked when it was collected";
        Some(Self {
            job: JobName::new(registration.spec.name).expect(checked),
            queue: QueueName::new(registration.spec.queue).expect(checked),
            schedule: Schedule::read(&spec).expect(checked),
            spec,
            registration,
            due: Instant::now(),
        })
    }

    async fn tick(&mut self, desk: &Desk) -> Result<()> {
        let last = desk.backend.last_tick(&self.queue, &self.job).await?;
        let due = self.schedule.due(last.at, last.now);
        for at in due.perform {
            self.advance(desk, at, true).await?;
        }
        if let Some(at) = due.pass {
            self.advance(desk, at, false).await?;
        }
        let wait = due.next.and_then(|next| (next - last.now).to_std().ok()).unwrap_or(REREAD_EVERY);
        self.due = Instant::now() + wait.min(REREAD_EVERY);
        Ok(())
    }

    async fn advance(&self, desk: &Desk, at: crate::Timestamp, perform: bool) -> Result<()> {
        let run = match (perform, self.registration.tick_args()) {
            (false, _) => None,
            (true, Ok(args)) => {
                Some(NewRun::new(RunId::of_tick(&self.job, at), &self.job, &args, Some(at), When::Now))
            }
            (true, Err(error)) => {
                tracing::error!(target: "mosquito", job = %self.job, %error, "the default arguments of a periodic job do not serialize; its tick is passed over");
                None
            }
        };
        let tick = Tick { job: self.job.clone(), at, run, overlap: self.spec.overlap };
        if let Ticked::Enqueued(id) = desk.backend.tick(&self.queue, &tick).await? {
            let (queue, job) = (self.queue.clone(), self.job.clone());
            desk.events.emit(|| Event::Ticked { queue, job, at, id });
        }
        Ok(())
    }
}
