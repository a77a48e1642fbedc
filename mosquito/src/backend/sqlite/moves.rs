//! How runs move: into a queue, from `scheduled` to `waiting`, to an overseer, and out of the store.

use std::time::Duration;

use rusqlite::Row;

use crate::backend::sqlite::queue::{Queue, count, envelope, history, name, to_millis};
use crate::backend::sqlite::settle::token;
use crate::backend::{Claim, Claimed, Enqueued, Lease, Promoted, Ticket};
use crate::clock::{self, from_millis};
use crate::job_run::{NewRun, When, stamped};
use crate::name::RunId;

impl Queue<'_> {
    pub(super) fn enqueue(&self, runs: &[NewRun]) -> rusqlite::Result<Vec<Enqueued>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        self.register()?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO runs (queue, id, list, rank, envelope) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?;
        let mut back = self.back()?;
        let mut answers = Vec::with_capacity(runs.len());
        for run in runs {
            let due = match run.when {
                When::Now => self.now,
                When::After(delay) => clock::after(self.now, delay),
                When::At(time) => time,
            };
            let (list, rank) = if due > self.now { ("scheduled", to_millis(due)) } else { ("waiting", back) };
            let envelope = stamped(run.body(), self.now);
            let new = insert.execute((self.name.as_str(), run.id.as_str(), list, rank, envelope))? > 0;
            back += i64::from(new && list == "waiting");
            let id = run.id.clone();
            answers.push(if new { Enqueued::New(id) } else { Enqueued::Duplicate(id) });
        }
        Ok(answers)
    }

    pub(super) fn claim(&self, ticket: &Ticket, at_most: usize) -> rusqlite::Result<Claimed> {
        let (lease, latest) = self.lease(ticket)?;
        let mut runs = Vec::new();
        if lease == Lease::Lost {
            return Ok(Claimed { runs, lease, now: self.now });
        }
        if latest.is_some_and(|latest| ticket.number <= latest) {
            runs = self.claimed_before(ticket)?;
        } else {
            if self.paused()?.is_none() {
                runs = self.claim_from_the_front(ticket, at_most)?;
            }
            if !runs.is_empty() || at_most == 0 {
                self.renew_lease(ticket)?;
            }
        }
        Ok(Claimed { runs, lease, now: self.now })
    }

    fn claimed_before(&self, ticket: &Ticket) -> rusqlite::Result<Vec<Claim>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, attempts, crashes, error, envelope, rank, unknown, log FROM runs
             WHERE queue = ?1 AND list = 'pending' AND overseer = ?2 AND ticket = ?3 ORDER BY rank",
        )?;
        let whose = (self.name.as_str(), ticket.overseer.as_str(), ticket.number.cast_signed());
        statement.query_map(whose, |row| claim(row, ticket, row.get(5)?))?.collect()
    }

    fn claim_from_the_front(&self, ticket: &Ticket, at_most: usize) -> rusqlite::Result<Vec<Claim>> {
        let mut number = self.claims()?;
        let mut front = self.connection.prepare_cached(
            "SELECT id, attempts, crashes, error, envelope, unknown, log FROM runs
             WHERE queue = ?1 AND list = 'waiting' AND overseer IS NULL AND ticket IS NULL
             ORDER BY rank LIMIT ?2",
        )?;
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
        if !runs.is_empty() {
            self.execute("UPDATE queues SET claims = ?2 WHERE name = ?1", (self.name.as_str(), number))?;
        }
        Ok(runs)
    }

    fn claims(&self) -> rusqlite::Result<i64> {
        let claims =
            self.first_row("SELECT claims FROM queues WHERE name = ?1", [self.name.as_str()], |row| {
                row.get(0)
            });
        Ok(claims?.unwrap_or_default())
    }

    pub(super) fn promote(&self, at_most: usize) -> rusqlite::Result<Promoted> {
        let mut due = self.connection.prepare_cached(
            "SELECT id FROM runs
             WHERE queue = ?1 AND list = 'scheduled' AND overseer IS NULL AND ticket IS NULL AND rank <= ?2
             ORDER BY rank, id LIMIT ?3",
        )?;
        let due =
            due.query_map((self.name.as_str(), self.now_millis(), count(at_most)), |row| name(row, 0))?;
        let due: Vec<RunId> = due.collect::<rusqlite::Result<_>>()?;
        let mut stand = self
            .connection
            .prepare_cached("UPDATE runs SET list = 'waiting', rank = ?3 WHERE queue = ?1 AND id = ?2")?;
        for (id, rank) in due.iter().zip(self.back()?..) {
            stand.execute((self.name.as_str(), id.as_str(), rank))?;
        }
        let next_due =
            self.first_due()?.map(|due| (from_millis(due) - self.now).to_std().unwrap_or_default());
        Ok(Promoted { moved: due.len(), next_due })
    }

    pub(super) fn delete(&self, id: &RunId) -> rusqlite::Result<bool> {
        let deleted =
            self.execute("DELETE FROM runs WHERE queue = ?1 AND id = ?2", (self.name.as_str(), id.as_str()))?;
        Ok(deleted > 0)
    }

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
                         WHERE queue = ?1 AND list = 'dead' AND overseer IS NULL AND ticket IS NULL
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

    /// The rank before all that wait.
    pub(super) fn front(&self) -> rusqlite::Result<i64> {
        let first = self.first_row(
            "SELECT rank FROM runs WHERE queue = ?1 AND list = 'waiting' AND overseer IS NULL AND ticket IS NULL
             ORDER BY rank LIMIT 1",
            [self.name.as_str()],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(first.map_or(0, |first| first - 1))
    }

    /// The rank behind all that wait.
    fn back(&self) -> rusqlite::Result<i64> {
        let last = self.first_row(
            "SELECT rank FROM runs WHERE queue = ?1 AND list = 'waiting' AND overseer IS NULL AND ticket IS NULL
             ORDER BY rank DESC LIMIT 1",
            [self.name.as_str()],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(last.map_or(0, |last| last + 1))
    }
}

/// A claim from a row that begins with id, attempts, crashes, error, envelope.
fn claim(row: &Row<'_>, ticket: &Ticket, number: i64) -> rusqlite::Result<Claim> {
    Ok(Claim {
        id: name(row, 0)?,
        token: token(ticket, number),
        envelope: envelope(row)?,
        history: history(row)?,
    })
}
