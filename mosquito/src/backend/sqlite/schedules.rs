//! When the periodic jobs of a queue tick.

use rusqlite::Row;

use crate::backend::sqlite::queue::{Queue, to_millis};
use crate::backend::{Enqueued, LastTick, Overlap, Tick, Ticked};
use crate::clock::{Timestamp, from_millis};
use crate::name::JobName;

impl Queue<'_> {
    pub(super) fn last_tick(&self, job: &JobName) -> rusqlite::Result<LastTick> {
        self.register()?;
        let at = match self.ticked(job)? {
            Some(last) => last,
            None => {
                self.advance(job, self.now)?;
                self.now
            }
        };
        Ok(LastTick { at, now: self.now })
    }

    pub(super) fn ticked(&self, job: &JobName) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.schedule(job, |row| row.get(0))?.map(from_millis))
    }

    pub(super) fn tick(&self, tick: &Tick) -> rusqlite::Result<Ticked> {
        if tick.at > self.now {
            return Ok(Ticked::Early);
        }
        let schedule =
            self.schedule(&tick.job, |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)))?;
        let (last, last_run) = schedule.map_or((None, None), |(last, last_run)| (Some(last), last_run));
        if last.is_some_and(|last| tick.at <= from_millis(last)) {
            return Ok(Ticked::Stale);
        }
        self.advance(&tick.job, tick.at)?;
        let Some(run) = &tick.run else { return Ok(Ticked::Passed) };
        let waits_alone = tick.overlap == Overlap::Skip || self.is_job_paused(&tick.job)?;
        if waits_alone && self.is_unfinished(last_run.as_deref())? {
            return Ok(Ticked::Passed);
        }
        self.execute(
            "UPDATE schedules SET last_run = ?3 WHERE queue = ?1 AND job = ?2",
            (self.name.as_str(), tick.job.as_str(), run.id.as_str()),
        )?;
        let mut enqueued = self.enqueue(std::slice::from_ref(run))?;
        Ok(match enqueued.pop() {
            Some(Enqueued::New(id)) => Ticked::Enqueued(id),
            _ => Ticked::Passed,
        })
    }

    fn schedule<T>(
        &self,
        job: &JobName,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.first_row(
            "SELECT last, last_run FROM schedules WHERE queue = ?1 AND job = ?2",
            (self.name.as_str(), job.as_str()),
            read,
        )
    }

    fn advance(&self, job: &JobName, tick: Timestamp) -> rusqlite::Result<()> {
        self.execute(
            "INSERT INTO schedules (queue, job, last) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET last = excluded.last",
            (self.name.as_str(), job.as_str(), to_millis(tick)),
        )?;
        Ok(())
    }

    /// Whether the run of an earlier tick is on its way still.
    fn is_unfinished(&self, id: Option<&str>) -> rusqlite::Result<bool> {
        let Some(id) = id else { return Ok(false) };
        let found = self.first_row(
            "SELECT list <> 'dead' FROM runs WHERE queue = ?1 AND id = ?2",
            (self.name.as_str(), id),
            |row| row.get(0),
        )?;
        Ok(found.unwrap_or(false))
    }
}
