//! Tells operators of an overseer: where it runs, what it works on, and what it performs at the moment.
//!
//! It does so on the thread of the [pulse](super::pulse), so that jobs which hold every thread of the application's runtime are seen to do
//! so. Nobody's work depends on it: what goes wrong here costs a line in the log.
//!
//! Invariant: nothing is written after the note was removed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::desk::Desk;
use super::pool::Pool;
use super::queue_list::QueueList;
use super::reaper::around;
use crate::backend::Backend;
use crate::clock::{self, Timestamp};
use crate::error::Result;
use crate::presence::{MOST, OverseerReport, Performing, roll};

/// How often it tells what it performs, and what else has changed.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// How often it tells that it performs nothing, and is as it was: twice before it would [fade](roll::FADES).
const REPEAT_EVERY: Duration = Duration::from_secs(20);

/// How often the store is asked for its time; in between, it is reckoned.
const TIME_EVERY: Duration = Duration::from_secs(60);

/// How often it looks for what the dead left behind, at least; the more there are of all, the longer, so that a fleet together does so
/// about once in five seconds.
const WEED_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Presence {
    desk: Arc<Desk>,
    /// Not kept alive by this: its end is that of the settler.
    pool: Weak<Pool>,
    queues: Arc<QueueList>,
    began: Instant,
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    /// When it began, by the store's clock.
    started_at: Option<Timestamp>,
    /// The store's time, and when it told it.
    time: Option<(Timestamp, Instant)>,
    /// What it told last, and when.
    told: Option<(OverseerReport, Instant)>,
    weed_at: Option<Instant>,
    /// It could not tell, and that was logged.
    complained: bool,
    left: bool,
}

impl Presence {
    pub(super) fn new(desk: Arc<Desk>, pool: &Arc<Pool>, queues: Arc<QueueList>) -> Self {
        let began = Instant::now();
        Self { desk, pool: Arc::downgrade(pool), queues, began, standing: Mutex::default() }
    }

    /// Tells again and again, for as long as it is polled.
    pub(super) async fn tell(&self, backend: &dyn Backend) {
        loop {
            let mut standing = self.standing.lock().await;
            if standing.left {
                return std::future::pending().await;
            }
            let reason = match self.tell_once(backend, &mut standing).await {
                Ok(true) => None,
                Ok(false) => Some("there are 1,000 overseers already".to_owned()),
                Err(error) => Some(error.to_string()),
            };
            if let Some(reason) = reason.as_ref().filter(|_| !standing.complained) {
                tracing::warn!(target: "mosquito", reason, "operators cannot see this overseer");
            }
            standing.complained = reason.is_some();
            drop(standing);
            tokio::time::sleep(around(TELL_EVERY)).await;
        }
    }

    /// Tells how it stands, if that is news; false when there is no room for it.
    async fn tell_once(&self, backend: &dyn Backend, standing: &mut Standing) -> Result<bool> {
        // Counted until the store is asked for its time: so nobody seems to have begun earlier than it did.
        let at_work = self.began.elapsed();
        let now = standing.now(backend).await?;
        if standing.weed_at.is_none_or(|time| time <= Instant::now()) {
            let all = roll::weed(backend, now).await?;
            let turns = TELL_EVERY.saturating_mul(u32::try_from(all).unwrap_or(u32::MAX));
            standing.weed_at = Some(Instant::now() + around(WEED_EVERY.max(turns)));
        }
        let started_at = *standing.started_at.get_or_insert_with(|| clock::before(now, at_work));
        let report = self.report(started_at, now);
        if !standing.is_news(&report) {
            return Ok(true);
        }
        let told = roll::tell(backend, &report).await?;
        match told {
            true => standing.told = Some((report, Instant::now())),
            false => standing.weed_at = None,
        }
        Ok(told)
    }

    /// Removes the note, and lets nobody write another one.
    pub(super) async fn leave(&self) {
        let mut standing = self.standing.lock().await;
        standing.left = true;
        if standing.started_at.is_some()
            && let Err(error) = roll::leave(&*self.desk.backend, &self.desk.overseer).await
        {
            tracing::warn!(target: "mosquito", ?error, "operators see this overseer for a while yet");
        }
    }

    fn report(&self, started_at: Timestamp, now: Timestamp) -> OverseerReport {
        let Desk { overseer, settings, held, stop, .. } = &*self.desk;
        let halts = held.halts();
        let runs = halts.iter().filter_map(|halt| Some((halt, halt.performing()?)));
        let mut runs: Vec<_> = runs.collect();
        let busy = runs.len();
        runs.sort_by_key(|(_, attempt)| attempt.since);
        let performing = runs.into_iter().take(MOST).map(|(halt, attempt)| {
            let (job, run, queue) = (attempt.job.clone(), halt.id().clone(), halt.queue().clone());
            Performing::new(job, run, queue, attempt.number, attempt.since)
        });
        // Before it runs, the pool has none.
        let executors = self.pool.upgrade().map(|pool| pool.size()).filter(|size| *size > 0);
        OverseerReport {
            name: settings.name.clone(),
            stopping: stop.is_cancelled(),
            queues: self.queues.shown().into_iter().take(MOST).collect(),
            executors: executors.unwrap_or(settings.executors),
            busy,
            performing: performing.collect(),
            ..OverseerReport::of_this_process(overseer.clone(), started_at, now)
        }
    }
}

impl Standing {
    async fn now(&mut self, backend: &dyn Backend) -> Result<Timestamp> {
        if let Some((time, asked)) = self.time.filter(|(_, asked)| asked.elapsed() < TIME_EVERY) {
            return Ok(clock::after(time, asked.elapsed()));
        }
        let time = backend.now().await?;
        self.time = Some((time, Instant::now()));
        Ok(time)
    }

    fn is_news(&self, report: &OverseerReport) -> bool {
        self.told.as_ref().is_none_or(|(told, when)| {
            let as_then = OverseerReport { seen_at: told.seen_at, ..report.clone() };
            report.busy > 0 || as_then != *told || when.elapsed() >= REPEAT_EVERY
        })
    }
}
