//! One periodic job, and when it is to be looked after.
//!
//! The leader enqueues each tick when it is due. An overseer that does not lead stands in for a tick that is
//! overdue: the leader may be gone, or may not have that job. From then on it does so in time, until somebody else does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::time::Instant;

use super::desk::Desk;
use crate::backend::{Tick, Ticked};
use crate::clock::{self, Timestamp};
use crate::error::Result;
use crate::events::Event;
use crate::job::{Registration, Schedule, ScheduleSpec, flowing, panic_message};
use crate::job_run::{Body, NewRun, When};
use crate::name::{JobName, QueueName, RunId};

/// How often a schedule is read anew, in case the store's clock jumped.
const REREAD_EVERY: Duration = Duration::from_secs(60);

/// How late a tick is when an overseer that does not lead stands in.
const OVERDUE: Duration = Duration::from_secs(2);

pub(super) struct Periodic {
    job: JobName,
    pub(super) queue: QueueName,
    spec: ScheduleSpec,
    schedule: Schedule,
    registration: &'static Registration,
    /// When it is to be looked after next.
    pub(super) due: Instant,
    /// The tick that was to come when it was looked after last.
    expected: Option<Timestamp>,
    /// Nobody else did, the last time: so this overseer does it in time.
    stands_in: bool,
}

impl Periodic {
    pub(super) fn of(registration: &'static Registration) -> Option<Self> {
        let spec = registration.spec.schedule?;
        let checked = "the registry was checked when it was collected";
        Some(Self {
            job: JobName::new(registration.spec.name).expect(checked),
            queue: QueueName::new(registration.spec.queue).expect(checked),
            schedule: Schedule::read(&spec).expect(checked),
            spec,
            registration,
            due: Instant::now(),
            expected: None,
            stands_in: false,
        })
    }

    /// The tick that is to come.
    #[cfg(feature = "testing")]
    pub(super) fn expected(&self) -> Option<Timestamp> {
        self.expected
    }

    /// Enqueues what is due, and works out when to come back.
    pub(super) async fn look_after(&mut self, desk: &Desk, leads: bool) -> Result<()> {
        let last = desk.backend.last_tick(&self.queue, &self.job).await?;
        let due = self.schedule.due(last.at, last.now);
        if self.expected.is_some_and(|tick| last.at >= tick) {
            self.stands_in = false;
        }
        self.expected = due.next;
        if let Some(first) = due.perform.first().copied().or(due.pass) {
            if !leads && !self.stands_in && last.now < clock::after(first, OVERDUE) {
                self.due = Instant::now() + OVERDUE;
                return Ok(());
            }
            self.stands_in = !leads;
        }
        for at in due.perform {
            self.advance(desk, at, true).await?;
        }
        if let Some(at) = due.pass {
            self.advance(desk, at, false).await?;
        }
        let wait = due.next.and_then(|next| (next - last.now).to_std().ok()).unwrap_or(REREAD_EVERY);
        let patience = if leads || self.stands_in { Duration::ZERO } else { OVERDUE };
        self.due = Instant::now() + (wait + patience).min(REREAD_EVERY);
        Ok(())
    }

    async fn advance(&self, desk: &Desk, at: Timestamp, perform: bool) -> Result<()> {
        let run = perform.then(|| self.run_of(at)).and_then(|run| {
            let passed_over = |error| {
                tracing::error!(target: "mosquito", job = %self.job, tick = %at, error, "the run of a periodic job cannot be made; its tick is passed over");
            };
            run.map_err(passed_over).ok()
        });
        let tick = Tick { job: self.job.clone(), at, run, overlap: self.spec.overlap };
        if let Ticked::Enqueued(id) = desk.backend.tick(&self.queue, &tick).await? {
            let (queue, job) = (self.queue.clone(), self.job.clone());
            desk.events.emit(|| Event::Ticked { queue, job, at, id });
        }
        Ok(())
    }

    /// The application's own `Default`, or `args`, and `Serialize`, and what its flow asks of them, which may panic.
    fn run_of(&self, at: Timestamp) -> Result<NewRun, String> {
        match catch_unwind(AssertUnwindSafe(|| self.tick_run(at))) {
            Ok(run) => run.map_err(|error| format!("{error:?}")),
            Err(panic) => Err(format!("panicked: {}", panic_message(panic))),
        }
    }

    fn tick_run(&self, at: Timestamp) -> Result<NewRun> {
        let (args, flow) = self.registration.tick()?;
        let version = self.registration.spec.version;
        let body = Body { version, tick: Some(at), ..Body::new(&self.job, &args) };
        flowing(NewRun::new(RunId::of_tick(&self.job, at), When::Now, &body), flow, self.job.as_str())
    }
}
