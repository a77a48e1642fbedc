//! The lanes of a queue as rows, for the algorithm that all stores in Rust share.
//!
//! What waits is found by its lane and rank; how a lane with a key stands is one row of `lanes`, in an index in the order
//! in which such lanes go on. So each look costs the same, however many runs and lanes there are.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Params, Row};

use crate::backend::lanes::{Ground, Head, JobPause, Level, Standing, Turns, job_of};
use crate::backend::sqlite::queue::{Queue, count, envelope, history, name};
use crate::backend::sqlite::rules::{flow, written};
use crate::backend::sqlite::settle::token;
use crate::backend::{Claim, Ticket};
use crate::flow::{Concurrency, RateLimit, RateState, StoredFlow, level_of};
use crate::job_run::History;
use crate::name::RunId;

/// The lane of plain runs, which has no name in a row.
const PLAIN: &str = "5";

/// The lane in which a run of this flow waits, as its row has it.
pub(super) fn in_row(flow: &StoredFlow) -> Option<&str> {
    lane_in_row(&flow.lane)
}

fn lane_in_row(lane: &str) -> Option<&str> {
    Some(lane).filter(|lane| *lane != PLAIN)
}

/// The lanes of a queue, and what is claimed from them.
pub(super) struct Lanes<'a> {
    queue: &'a Queue<'a>,
    claims: Option<Claims<'a>>,
}

struct Claims<'a> {
    ticket: &'a Ticket,
    /// How many claims of single runs there were in the queue.
    number: i64,
    /// What was looked at last. Only what stands at the front of a lane is claimed, so it is among this.
    front: RefCell<Front>,
    made: HashMap<RunId, Claim>,
}

/// The front of a lane, as it was read a moment ago, for the next look at it.
#[derive(Default)]
struct Front {
    lane: String,
    runs: Vec<(Head, Vec<u8>, History)>,
    /// How many runs were read, if there were as many.
    read: usize,
    /// How many of them were asked for at most.
    asked: usize,
}

/// The most runs that are read ahead of being asked for.
const AHEAD: usize = 16;

impl Front {
    /// Takes what was read: it is about to change.
    fn forget(&mut self) -> Vec<(Head, Vec<u8>, History)> {
        self.lane.clear();
        self.read = 0;
        std::mem::take(&mut self.runs)
    }
}

impl<'a> Lanes<'a> {
    pub(super) fn of(queue: &'a Queue<'a>) -> Self {
        Self { queue, claims: None }
    }

    /// To claim from, in the name of a ticket, after so many claims of single runs in the queue.
    pub(super) fn claiming(queue: &'a Queue<'a>, ticket: &'a Ticket, number: i64) -> Self {
        Self {
            queue,
            claims: Some(Claims { ticket, number, front: RefCell::default(), made: HashMap::new() }),
        }
    }

    /// How many claims of single runs there were now, and those of these runs, in this order.
    pub(super) fn claimed(self, runs: &[RunId]) -> (i64, Vec<Claim>) {
        let Some(Claims { number, mut made, .. }) = self.claims else { return (0, Vec::new()) };
        (number, runs.iter().filter_map(|run| made.remove(run)).collect())
    }

    fn name(&self) -> &'a str {
        self.queue.name.as_str()
    }

    fn read_front<T>(
        &self,
        lane: &str,
        at_most: usize,
        mut read: impl FnMut(&Row<'_>, Head) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        let mut front = self.queue.connection.prepare_cached(HEAD)?;
        let front = front.query_map((self.name(), lane_in_row(lane), count(at_most)), |row| {
            let head = Head { id: name(row, 0)?, attempted: row.get::<_, i64>(1)? > 0, flow: flow(row, 7)? };
            read(row, head)
        })?;
        front.collect()
    }

    /// Lanes and their turns.
    fn in_line(&self, sql: &str, params: impl Params) -> rusqlite::Result<Vec<(String, u64)>> {
        let mut lanes = self.queue.connection.prepare_cached(sql)?;
        lanes.query_map(params, |row| Ok((row.get(0)?, turn(row, 1)?)))?.collect()
    }
}

/// The levels in which something is ready.
pub(super) const LEVELS: &str = "
    WITH levels (level, lane) AS (VALUES
        (0, '0'), (1, '1'), (2, '2'), (3, '3'), (4, '4'), (5, NULL), (6, '6'), (7, '7'), (8, '8'), (9, '9'))
    SELECT level,
        EXISTS (SELECT 1 FROM runs WHERE queue = ?1 AND list = 'waiting' AND runs.lane IS levels.lane),
        EXISTS (SELECT 1 FROM lanes WHERE queue = ?1 AND lanes.level = levels.level)
    FROM levels";

pub(super) const FIRST_LANE: &str = "
    SELECT lane FROM lanes WHERE queue = ?1 AND level = ?2 AND blocked_until IS NULL AND parked_at IS NULL
    ORDER BY turn, lane LIMIT 2";

pub(super) const HEAD: &str = "
    SELECT id, attempts, crashes, error, envelope, unknown, log, flow FROM runs
    WHERE queue = ?1 AND list = 'waiting' AND lane IS ?2 AND overseer IS NULL AND ticket IS NULL
    ORDER BY rank LIMIT ?3";

pub(super) const DUE_LANES: &str = "
    SELECT lane, turn FROM lanes WHERE queue = ?1 AND level IS NULL AND blocked_until <= ?2
    ORDER BY blocked_until, parked_at, turn, lane LIMIT ?3";

pub(super) const PARKED: &str = "
    SELECT lane, turn FROM lanes
    WHERE queue = ?1 AND level IS NULL AND blocked_until IS NULL AND parked_at = ?2
    ORDER BY turn, lane LIMIT ?3";

pub(super) const ANYTHING_PARKED: &str = "
    SELECT 1 FROM lanes
    WHERE queue = ?1 AND level IS NULL AND blocked_until IS NULL AND parked_at >= '' LIMIT 1";

impl Ground for Lanes<'_> {
    type Error = rusqlite::Error;

    fn turns(&self) -> rusqlite::Result<Turns> {
        self.queue.turns()
    }

    fn save_turns(&mut self, turns: &Turns) -> rusqlite::Result<()> {
        self.queue.save_turns(turns)
    }

    fn levels(&self) -> rusqlite::Result<Vec<Level>> {
        let mut levels = self.queue.connection.prepare_cached(LEVELS)?;
        let levels = levels.query_map([self.name()], |row| {
            Ok(Level { level: row.get(0)?, unkeyed: row.get(1)?, keyed: row.get(2)? })
        })?;
        let mut levels = levels.collect::<rusqlite::Result<Vec<_>>>()?;
        levels.retain(|level| level.unkeyed || level.keyed);
        levels.sort_by_key(|level| level.level);
        Ok(levels)
    }

    fn first_lane(&self, level: u8) -> rusqlite::Result<Option<(String, bool)>> {
        let mut lanes = self.queue.connection.prepare_cached(FIRST_LANE)?;
        let mut lanes = lanes.query_map((self.name(), level), |row| row.get(0))?;
        let first: Option<String> = lanes.next().transpose()?;
        let alone = lanes.next().transpose()?.is_none();
        Ok(first.map(|lane| (lane, alone)))
    }

    fn head(&self, lane: &str, at_most: usize) -> rusqlite::Result<Vec<Head>> {
        let Some(claims) = &self.claims else {
            return self.read_front(lane, at_most, |_, head| Ok(head));
        };
        let mut front = claims.front.borrow_mut();
        let mut ahead = 0;
        if front.lane != lane {
            // Of one lane as many will be asked for as of the one before, mostly.
            ahead = if at_most > 1 { front.asked.min(AHEAD) } else { 0 };
            *front = Front { lane: lane.into(), ..Front::default() };
        }
        if front.read < at_most {
            front.read = at_most.max(ahead);
            front.runs =
                self.read_front(lane, front.read, |row, head| Ok((head, envelope(row)?, history(row)?)))?;
        }
        front.asked = front.asked.max(at_most);
        Ok(front.runs.iter().take(at_most).map(|(head, ..)| head.clone()).collect())
    }

    fn leave(&mut self, _lane: &str, runs: &[RunId]) -> rusqlite::Result<()> {
        let claims = self.claims.as_mut().expect("only a claim takes runs out of their lanes");
        let mut take = self.queue.connection.prepare_cached(
            "UPDATE runs SET list = 'pending', lane = NULL, overseer = ?3, ticket = ?4, rank = ?5, claimed_at = ?6
             WHERE queue = ?1 AND id = ?2",
        )?;
        let (queue, now) = (self.queue.name.as_str(), self.queue.now_millis());
        let (overseer, ticket) = (claims.ticket.overseer.as_str(), claims.ticket.number.cast_signed());
        let mut front = claims.front.get_mut().forget().into_iter();
        for run in runs {
            let (_, envelope, history) = front
                .find(|(head, ..)| head.id == *run)
                .expect("only runs leave a lane that were seen at its front");
            claims.number += 1;
            take.execute((queue, run.as_str(), overseer, ticket, claims.number, now))?;
            let token = token(claims.ticket, claims.number);
            claims.made.insert(run.clone(), Claim { id: run.clone(), token, envelope, history });
        }
        Ok(())
    }

    fn forget(&mut self, run: &RunId) -> rusqlite::Result<()> {
        let run = (self.name(), run.as_str());
        self.queue.execute("DELETE FROM runs WHERE queue = ?1 AND id = ?2", run)?;
        Ok(())
    }

    fn standing(&self, lane: &str) -> rusqlite::Result<Option<(u64, Standing)>> {
        self.queue.first_row(
            "SELECT turn, blocked_until, parked_at FROM lanes WHERE queue = ?1 AND lane = ?2",
            (self.name(), lane),
            |row| {
                let standing = match (row.get(1)?, row.get(2)?) {
                    (Some(time), _) => Standing::Blocked(time),
                    (None, Some(slot)) => Standing::Parked(slot),
                    (None, None) => Standing::Ready,
                };
                Ok((turn(row, 0)?, standing))
            },
        )
    }

    fn stand(&mut self, lane: &str, turn: u64, standing: &Standing) -> rusqlite::Result<()> {
        let (level, blocked_until, parked_at) = match standing {
            Standing::Ready => (Some(level_of(lane)), None, None),
            Standing::Blocked(time) => (None, Some(time), None),
            Standing::Parked(slot) => (None, None, Some(slot)),
        };
        self.queue.execute(
            "INSERT INTO lanes (queue, lane, turn, level, blocked_until, parked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET turn = excluded.turn, level = excluded.level,
                 blocked_until = excluded.blocked_until, parked_at = excluded.parked_at",
            (self.name(), lane, turn.cast_signed(), level, blocked_until, parked_at),
        )?;
        if parked_at.is_some() {
            self.queue.seen.parked.set(Some(true));
        }
        Ok(())
    }

    fn clear(&mut self, lane: &str) -> rusqlite::Result<()> {
        self.queue.execute("DELETE FROM lanes WHERE queue = ?1 AND lane = ?2", (self.name(), lane))?;
        Ok(())
    }

    fn due_lanes(&self, now: i64, at_most: usize) -> rusqlite::Result<Vec<(String, u64)>> {
        self.in_line(DUE_LANES, (self.name(), now, count(at_most)))
    }

    fn parked(&self, slot: &str, at_most: usize) -> rusqlite::Result<Vec<(String, u64)>> {
        self.in_line(PARKED, (self.name(), slot, count(at_most)))
    }

    fn anything_parked(&self) -> rusqlite::Result<bool> {
        if let Some(parked) = self.queue.seen.parked.get() {
            return Ok(parked);
        }
        let parked = self.queue.first_row(ANYTHING_PARKED, [self.name()], |_| Ok(()))?.is_some();
        self.queue.seen.parked.set(Some(parked));
        Ok(parked)
    }

    fn slot_rule(&self, limit: &str) -> rusqlite::Result<Option<Concurrency>> {
        self.queue.slot_rule(limit)
    }

    fn slots_used(&self, slot: &str) -> rusqlite::Result<usize> {
        self.queue.slots_used(slot)
    }

    fn take_slot(&mut self, slot: &str, _run: &RunId) -> rusqlite::Result<()> {
        let used = self.queue.slots_used(slot)?;
        self.queue.use_slots(slot, used + 1);
        Ok(())
    }

    fn free_slot(&mut self, slot: &str, _run: &RunId) -> rusqlite::Result<bool> {
        // It had the slot: whoever is pending does.
        let used = self.queue.slots_used(slot)?;
        self.queue.use_slots(slot, used.saturating_sub(1));
        Ok(used > 0)
    }

    fn rate_rule(&self, limit: &str) -> rusqlite::Result<Option<RateLimit>> {
        self.queue.rate_rule(limit)
    }

    fn rate(&self, key: &str) -> rusqlite::Result<Option<RateState>> {
        self.queue.rate(key)
    }

    fn save_rate(&mut self, key: &str, state: &RateState, fades: i64) -> rusqlite::Result<()> {
        self.queue.execute(
            "INSERT INTO rates (queue, key, state, fades) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET state = excluded.state, fades = excluded.fades",
            (self.name(), key, state.to_string(), fades),
        )?;
        Ok(())
    }

    fn release_unique(&mut self, key: &str, run: &RunId) -> rusqlite::Result<()> {
        self.queue.let_go_of(key, run)
    }

    fn job_pauses(&self, now: i64) -> rusqlite::Result<Vec<JobPause>> {
        let mut pauses = self.queue.connection.prepare_cached(JOB_PAUSES)?;
        let read = |row: &Row<'_>| Ok(JobPause { job: row.get(0)?, is_over: row.get(1)? });
        pauses.query_map((self.name(), now), read)?.collect()
    }

    fn forget_job_pause(&mut self, job: &str) -> rusqlite::Result<()> {
        self.queue.execute("DELETE FROM paused_jobs WHERE queue = ?1 AND job = ?2", (self.name(), job))?;
        Ok(())
    }

    fn job_of(&self, run: &RunId) -> rusqlite::Result<Option<String>> {
        let job = self.queue.first_row(
            "SELECT envelope FROM runs WHERE queue = ?1 AND id = ?2",
            (self.name(), run.as_str()),
            |row| Ok(row.get_ref(0)?.as_bytes().ok().and_then(job_of)),
        )?;
        Ok(job.flatten())
    }

    fn put_aside(&mut self, run: &RunId, flow: &StoredFlow) -> rusqlite::Result<()> {
        if let Some(claims) = &mut self.claims {
            claims.front.get_mut().forget();
        }
        let rank = self.queue.back().next(in_row(flow))?;
        self.queue.execute(
            "UPDATE runs SET lane = ?3, rank = ?4, flow = ?5 WHERE queue = ?1 AND id = ?2",
            (self.name(), run.as_str(), in_row(flow), rank, written(flow)),
        )?;
        Ok(())
    }
}

pub(super) const JOB_PAUSES: &str =
    "SELECT job, until IS NOT NULL AND until <= ?2 FROM paused_jobs WHERE queue = ?1 ORDER BY job";

fn turn(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}
