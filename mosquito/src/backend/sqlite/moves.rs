//! How runs move: from `scheduled` to `waiting`, to an overseer, and out of the store.

use std::time::Duration;

use rusqlite::Row;

use crate::backend::lanes::{Picked, pick, wake_due};
use crate::backend::sqlite::lanes::{Lanes, in_row};
use crate::backend::sqlite::queue::{Queue, count, envelope, history, list, name};
use crate::backend::sqlite::rules::flow;
use crate::backend::sqlite::settle::token;
use crate::backend::{Claim, Claimed, Lease, List, Promoted, Ticket};
use crate::clock::{self, from_millis};
use crate::flow::StoredFlow;
use crate::name::RunId;

impl Queue<'_> {
    pub(super) fn claim(&self, ticket: &Ticket, at_most: usize) -> rusqlite::Result<Claimed> {
        let (lease, latest) = self.lease(ticket)?;
        let (mut runs, mut expired, mut paused_until) = (Vec::new(), Vec::new(), None);
        if lease == Lease::Lost {
            return Ok(Claimed { runs, expired, lease, paused_until, now: self.now });
        }
        if latest.is_some_and(|latest| ticket.number <= latest) {
            runs = self.claimed_before(ticket)?;
        } else {
            match self.paused()? {
                Some(paused) => paused_until = paused.until.filter(|_| at_most > 0),
                None if at_most > 0 => (runs, expired) = self.claim_what_is_next(ticket, at_most)?,
                None => (),
            }
            if !runs.is_empty() || at_most == 0 {
                self.renew_lease(ticket)?;
            }
        }
        Ok(Claimed { runs, expired, lease, paused_until, now: self.now })
    }

    fn claimed_before(&self, ticket: &Ticket) -> rusqlite::Result<Vec<Claim>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, attempts, crashes, error, envelope, rank, unknown, log FROM runs
             WHERE queue = ?1 AND list = 'pending' AND lane IS NULL AND overseer = ?2 AND ticket = ?3 ORDER BY rank",
        )?;
        let whose = (self.name.as_str(), ticket.overseer.as_str(), ticket.number.cast_signed());
        statement.query_map(whose, |row| claim(row, ticket, row.get(5)?))?.collect()
    }

    /// The runs that are claimed, and those that waited too long and are gone instead.
    fn claim_what_is_next(
        &self,
        ticket: &Ticket,
        at_most: usize,
    ) -> rusqlite::Result<(Vec<Claim>, Vec<RunId>)> {
        let so_far = self.first_row(
            "SELECT claims, turns IS NOT NULL FROM queues WHERE name = ?1",
            [self.name.as_str()],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
        )?;
        let Some((before, has_flows)) = so_far else { return Ok((Vec::new(), Vec::new())) };
        let (number, runs, expired) = match has_flows {
            false => self.claim_from_the_front(ticket, at_most, before)?,
            true => self.claim_by_turns(ticket, at_most, before)?,
        };
        if number > before {
            self.execute("UPDATE queues SET claims = ?2 WHERE name = ?1", (self.name.as_str(), number))?;
        }
        Ok((runs, expired))
    }

    /// Of a queue in which all runs are plain.
    fn claim_from_the_front(
        &self,
        ticket: &Ticket,
        at_most: usize,
        mut number: i64,
    ) -> rusqlite::Result<(i64, Vec<Claim>, Vec<RunId>)> {
        let mut front = self.connection.prepare_cached(FRONT)?;
        let runs = front.query_map((self.name.as_str(), count(at_most)), |row| {
            number += 1;
            claim(row, ticket, number)
        })?;
        // Read to the end before anything is changed: a statement must not meet its own changes.
        let runs: Vec<Claim> = runs.collect::<rusqlite::Result<_>>()?;
        let mut take = self.connection.prepare_cached(
            "UPDATE runs SET list = 'pending', overseer = ?3, ticket = ?4, rank = ?5, claimed_at = ?6
             WHERE queue = ?1 AND id = ?2",
        )?;
        let (overseer, ticket) = (ticket.overseer.as_str(), ticket.number.cast_signed());
        for (run, rank) in runs.iter().zip(number - count(runs.len()) + 1..) {
            take.execute((self.name.as_str(), run.id.as_str(), overseer, ticket, rank, self.now_millis()))?;
        }
        Ok((number, runs, Vec::new()))
    }

    /// Of a queue in which runs have priorities, limits, or a line of their own.
    fn claim_by_turns(
        &self,
        ticket: &Ticket,
        at_most: usize,
        number: i64,
    ) -> rusqlite::Result<(i64, Vec<Claim>, Vec<RunId>)> {
        let mut lanes = Lanes::claiming(self, ticket, number);
        let Picked { runs, expired } = pick(&mut lanes, at_most, self.now_millis())?;
        let (number, claims) = lanes.claimed(&runs);
        Ok((number, claims, expired))
    }

    pub(super) fn promote(&self, at_most: usize) -> rusqlite::Result<Promoted> {
        let mut due = self.connection.prepare_cached(DUE)?;
        let due = due.query_map((self.name.as_str(), self.now_millis(), count(at_most)), |row| {
            Ok((name(row, 0)?, flow(row, 1)?))
        })?;
        let due: Vec<(RunId, Option<StoredFlow>)> = due.collect::<rusqlite::Result<_>>()?;
        let mut back = self.back();
        let mut stand = self.connection.prepare_cached(
            "UPDATE runs SET list = 'waiting', lane = ?3, rank = ?4 WHERE queue = ?1 AND id = ?2",
        )?;
        for (id, flow) in &due {
            let lane = flow.as_ref().and_then(in_row);
            stand.execute((self.name.as_str(), id.as_str(), lane, back.next(lane)?))?;
            self.line_up(flow.as_ref())?;
        }
        let woken = self.wake_lanes(at_most - due.len())?;
        let next_due =
            self.first_due()?.map(|due| (from_millis(due) - self.now).to_std().unwrap_or_default());
        Ok(Promoted { moved: due.len(), woken, next_due })
    }

    /// Makes lanes ready that were blocked until now, and forgets what fades.
    fn wake_lanes(&self, at_most: usize) -> rusqlite::Result<usize> {
        if !self.has_flows()? {
            return Ok(0);
        }
        self.forget_what_fades()?;
        wake_due(&mut Lanes::of(self), self.now_millis(), at_most)
    }

    pub(super) fn delete(&self, id: &RunId) -> rusqlite::Result<bool> {
        let found = self.first_row(
            "SELECT list, flow FROM runs WHERE queue = ?1 AND id = ?2",
            (self.name.as_str(), id.as_str()),
            |row| Ok((list(row, 0)?, flow(row, 1)?)),
        )?;
        let Some((list, flow)) = found else { return Ok(false) };
        self.execute("DELETE FROM runs WHERE queue = ?1 AND id = ?2", (self.name.as_str(), id.as_str()))?;
        self.is_gone(id, list, flow.as_ref())?;
        Ok(true)
    }

    /// Gives back what a run had that was removed from a list.
    pub(super) fn is_gone(&self, id: &RunId, list: List, flow: Option<&StoredFlow>) -> rusqlite::Result<()> {
        match list {
            List::Waiting => self.left_lane(flow)?,
            List::Pending => self.give_back(id, flow)?,
            List::Scheduled | List::Dead => (),
        }
        self.let_go(id, flow, true)
    }

    /// What is dead has given back what it had when it died.
    pub(super) fn prune(&self, keep: usize, age: Duration, at_most: usize) -> rusqlite::Result<usize> {
        let (keep, at_most) = (count(keep), count(at_most));
        let whose = self.name.as_str();
        let counted: i64 = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM runs WHERE queue = ?1 AND list = 'dead' LIMIT ?2)",
            )?
            .query_row((whose, keep.saturating_add(at_most)), |row| row.get(0))?;
        let born_before = self.now_millis() - clock::millis(age);
        self.execute(
            "DELETE FROM runs WHERE queue = ?1 AND id IN (
                 SELECT id FROM (
                     SELECT id, rank, row_number() OVER (ORDER BY rank, id) AS place FROM (
                         SELECT id, rank FROM runs
                         WHERE queue = ?1 AND list = 'dead' AND lane IS NULL AND overseer IS NULL AND ticket IS NULL
                         ORDER BY rank, id LIMIT ?2))
                 WHERE place <= ?3 OR rank <= ?4)",
            (whose, at_most, counted - keep, born_before),
        )
    }

    /// Notes that the queue is used. A queue stays so for ever.
    pub(super) fn register(&self) -> rusqlite::Result<()> {
        self.execute(
            "INSERT INTO queues (name, used) VALUES (?1, 1) ON CONFLICT DO UPDATE SET used = 1 WHERE NOT used",
            [self.name.as_str()],
        )?;
        Ok(())
    }
}

pub(super) const FRONT: &str = "
    SELECT id, attempts, crashes, error, envelope, unknown, log FROM runs
    WHERE queue = ?1 AND list = 'waiting' AND lane IS NULL AND overseer IS NULL AND ticket IS NULL
    ORDER BY rank LIMIT ?2";

pub(super) const DUE: &str = "
    SELECT id, flow FROM runs
    WHERE queue = ?1 AND list = 'scheduled' AND lane IS NULL AND overseer IS NULL AND ticket IS NULL AND rank <= ?2
    ORDER BY rank, id LIMIT ?3";

/// A claim from a row that begins with id, attempts, crashes, error, envelope.
pub(super) fn claim(row: &Row<'_>, ticket: &Ticket, number: i64) -> rusqlite::Result<Claim> {
    Ok(Claim {
        id: name(row, 0)?,
        token: token(ticket, number),
        envelope: envelope(row)?,
        history: history(row)?,
    })
}
