//! Runs come into the store.

use rusqlite::CachedStatement;

use crate::backend::sqlite::lanes::in_row;
use crate::backend::sqlite::queue::{Queue, list, to_millis};
use crate::backend::sqlite::rules::{flow, written};
use crate::backend::{Enqueued, List};
use crate::clock::{self, Timestamp};
use crate::flow::{Flow, StoredFlow};
use crate::job_run::{NewRun, When, stamped};
use crate::name::RunId;

impl Queue<'_> {
    pub(super) fn enqueue(&self, runs: &[NewRun]) -> rusqlite::Result<Vec<Enqueued>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        self.register()?;
        if runs.iter().any(|run| run.flow.is_some()) {
            self.note_flows()?;
        }
        let mut entrance = Entrance::to(self)?;
        runs.iter().map(|run| entrance.enqueue(run)).collect()
    }

    /// The rank before all that wait in a lane.
    pub(super) fn front(&self, lane: Option<&str>) -> rusqlite::Result<i64> {
        let first = self.first_row(FIRST_RANK, (self.name.as_str(), lane), |row| row.get::<_, i64>(0))?;
        Ok(first.map_or(0, |first| first - 1))
    }

    /// The ranks behind all that wait, lane by lane.
    pub(super) fn back(&self) -> Back<'_> {
        Back { queue: self, plain: None }
    }
}

pub(super) const FIRST_RANK: &str = "
    SELECT rank FROM runs
    WHERE queue = ?1 AND list = 'waiting' AND lane IS ?2 AND overseer IS NULL AND ticket IS NULL
    ORDER BY rank LIMIT 1";

pub(super) const LAST_RANK: &str = "
    SELECT rank FROM runs
    WHERE queue = ?1 AND list = 'waiting' AND lane IS NULL AND overseer IS NULL AND ticket IS NULL
    ORDER BY rank DESC LIMIT 1";

/// Numbers what one call puts behind all that wait.
pub(super) struct Back<'a> {
    queue: &'a Queue<'a>,
    /// The next rank of plain runs: looked up once. A process of an earlier release numbers them, too, and by what is there.
    plain: Option<i64>,
}

impl Back<'_> {
    /// The rank behind all that wait in a lane.
    pub(super) fn next(&mut self, lane: Option<&str>) -> rusqlite::Result<i64> {
        if lane.is_some() {
            return self.queue.next_rank();
        }
        let rank = match self.plain {
            Some(rank) => rank,
            None => {
                let last = self
                    .queue
                    .first_row(LAST_RANK, [self.queue.name.as_str()], |row| row.get::<_, i64>(0))?;
                last.map_or(0, |last| last + 1)
            }
        };
        self.plain = Some(rank + 1);
        Ok(rank)
    }
}

/// The way of many runs into one queue.
struct Entrance<'a> {
    queue: &'a Queue<'a>,
    insert: CachedStatement<'a>,
    back: Back<'a>,
}

impl<'a> Entrance<'a> {
    fn to(queue: &'a Queue<'a>) -> rusqlite::Result<Self> {
        let insert = queue.connection.prepare_cached(
            "INSERT INTO runs (queue, id, list, lane, rank, flow, envelope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT DO NOTHING",
        )?;
        Ok(Self { queue, insert, back: queue.back() })
    }

    fn enqueue(&mut self, run: &NewRun) -> rusqlite::Result<Enqueued> {
        let now = self.queue.now;
        let due = match run.when {
            When::Now => now,
            When::After(delay) => clock::after(now, delay),
            When::At(time) => time,
        };
        match &run.flow {
            None => self.put(run, None, due),
            Some(flow) => self.enqueue_flowing(run, flow, due),
        }
    }

    fn enqueue_flowing(&mut self, run: &NewRun, flow: &Flow, due: Timestamp) -> rusqlite::Result<Enqueued> {
        let stored = self.queue.stored(flow, due.max(self.queue.now));
        let answer = match &stored.unique {
            // Most keys are free.
            Some(unique) if !self.queue.hold_what_is_free(unique, &run.id)? => {
                if self.list_of(&run.id)?.is_some() {
                    return Ok(Enqueued::Duplicate(run.id.clone()));
                }
                match self.kept_away(run, &stored, due)? {
                    Some(answer) => answer,
                    None => self.put(run, Some(&stored), due)?,
                }
            }
            unique => {
                let answer = self.put(run, Some(&stored), due)?;
                if !answer.is_new() {
                    if let Some(unique) = unique {
                        self.queue.let_go_of(&unique.key, &run.id)?;
                    }
                    return Ok(answer);
                }
                answer
            }
        };
        self.queue.declare(flow)?;
        Ok(answer)
    }

    /// Puts a run in, unless there is one of its id.
    fn put(&mut self, run: &NewRun, flow: Option<&StoredFlow>, due: Timestamp) -> rusqlite::Result<Enqueued> {
        let (list, lane, rank) = self.place(flow, due)?;
        let (written, envelope) = (flow.map(written), stamped(run.body(), self.queue.now));
        let row = (self.queue.name.as_str(), run.id.as_str(), list, lane, rank, written, envelope);
        if self.insert.execute(row)? == 0 {
            return Ok(Enqueued::Duplicate(run.id.clone()));
        }
        if list == WAITING {
            self.queue.line_up(flow)?;
        }
        Ok(Enqueued::New(run.id.clone()))
    }

    /// Where a run comes to stand: its list, its lane, its rank.
    fn place<'f>(
        &mut self,
        flow: Option<&'f StoredFlow>,
        due: Timestamp,
    ) -> rusqlite::Result<(&'static str, Option<&'f str>, i64)> {
        if due > self.queue.now {
            return Ok(("scheduled", None, to_millis(due)));
        }
        let lane = flow.and_then(in_row);
        Ok((WAITING, lane, self.back.next(lane)?))
    }

    /// What a unique run that is there has to say of another one of its key; nothing when there is none, and from now on
    /// it is the new one.
    fn kept_away(
        &mut self,
        new: &NewRun,
        flow: &StoredFlow,
        due: Timestamp,
    ) -> rusqlite::Result<Option<Enqueued>> {
        let Some(unique) = &flow.unique else { return Ok(None) };
        let until = unique.lasts.map(|lasts| self.queue.now_millis().saturating_add(lasts));
        let Some(there) = self.queue.holder(&unique.key)? else {
            self.queue.hold(&unique.key, &new.id, until)?;
            return Ok(None);
        };
        let list = if unique.replace { self.list_of_its_key(&there, &unique.key)? } else { None };
        match list {
            Some(List::Scheduled) => {
                self.reschedule(&there, new, flow, due)?;
                // By the new flow it lets go: so by that it is to hold.
                self.queue.hold(&unique.key, &there, until)?;
            }
            Some(List::Waiting) => {
                self.queue.execute(
                    "UPDATE runs SET envelope = ?3 WHERE queue = ?1 AND id = ?2",
                    (self.queue.name.as_str(), there.as_str(), stamped(new.body(), self.queue.now)),
                )?;
            }
            _ => return Ok(Some(Enqueued::Duplicate(there))),
        }
        Ok(Some(Enqueued::Replaced(there)))
    }

    /// Makes a scheduled run what another one was to be, and due when that was to be.
    fn reschedule(
        &mut self,
        there: &RunId,
        new: &NewRun,
        flow: &StoredFlow,
        due: Timestamp,
    ) -> rusqlite::Result<()> {
        let (list, lane, rank) = self.place(Some(flow), due)?;
        let envelope = stamped(new.body(), self.queue.now);
        self.queue.execute(
            "UPDATE runs SET list = ?3, lane = ?4, rank = ?5, flow = ?6, envelope = ?7 WHERE queue = ?1 AND id = ?2",
            (self.queue.name.as_str(), there.as_str(), list, lane, rank, written(flow), envelope),
        )?;
        if list == WAITING { self.queue.line_up(Some(flow)) } else { Ok(()) }
    }

    /// The list in which a run of a unique key stands. Another run may have got the id of one that is finished and keeps others
    /// away for a time.
    fn list_of_its_key(&self, run: &RunId, key: &str) -> rusqlite::Result<Option<List>> {
        let found = self.queue.first_row(
            "SELECT list, flow FROM runs WHERE queue = ?1 AND id = ?2",
            (self.queue.name.as_str(), run.as_str()),
            |row| Ok((list(row, 0)?, flow(row, 1)?)),
        )?;
        Ok(found.and_then(|(list, flow)| {
            let its = flow.and_then(|flow| flow.unique)?;
            (its.key == key).then_some(list)
        }))
    }

    fn list_of(&self, run: &RunId) -> rusqlite::Result<Option<List>> {
        self.queue.first_row(
            "SELECT list FROM runs WHERE queue = ?1 AND id = ?2",
            (self.queue.name.as_str(), run.as_str()),
            |row| list(row, 0),
        )
    }
}

const WAITING: &str = "waiting";
