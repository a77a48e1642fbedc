//! Who is alive: the leases of overseers on queues, what is taken back when one ran out, and the leader.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::backend::sqlite::queue::{Queue, count, history, name, to_millis};
use crate::backend::{BATCH_LIMIT, DIED, Lease, Rescue, Rescued, Ticket, poisoned_reason};
use crate::clock::{self, Timestamp, from_millis};
use crate::job_run::{History, PastAttempt, log_to_text};
use crate::name::{OverseerId, RunId};

impl Queue<'_> {
    /// How a lease stands for a ticket, and the latest ticket that got runs under it.
    pub(super) fn lease(&self, ticket: &Ticket) -> rusqlite::Result<(Lease, Option<u64>)> {
        let owner = self.first_row(
            "SELECT condemned, first_ticket, ticket FROM owners WHERE queue = ?1 AND overseer = ?2",
            (self.name.as_str(), ticket.overseer.as_str()),
            |row| {
                let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
                Ok((row.get::<_, bool>(0)?, number(1)?, number(2)?))
            },
        )?;
        Ok(match owner {
            Some((true, _, latest)) => (Lease::Lost, Some(latest)),
            Some((false, first, latest)) if first == ticket.number => (Lease::New, Some(latest)),
            Some((false, _, latest)) => (Lease::Held, Some(latest)),
            None => (Lease::New, None),
        })
    }

    /// Takes a lease or renews it, for an overseer that is not condemned.
    pub(super) fn renew_lease(&self, ticket: &Ticket) -> rusqlite::Result<()> {
        let (overseer, number) = (ticket.overseer.as_str(), ticket.number.cast_signed());
        self.execute(
            "INSERT INTO owners (queue, overseer, beat, first_ticket, ticket) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT DO UPDATE SET beat = excluded.beat, ticket = excluded.ticket",
            (self.name.as_str(), overseer, self.now_millis(), number),
        )?;
        Ok(())
    }

    pub(super) fn beat(&self, overseer: &OverseerId) -> rusqlite::Result<Lease> {
        let renewed = self.execute(
            "UPDATE owners SET beat = ?3 WHERE queue = ?1 AND overseer = ?2 AND NOT condemned",
            (self.name.as_str(), overseer.as_str(), self.now_millis()),
        )?;
        Ok(if renewed > 0 { Lease::Held } else { Lease::Lost })
    }

    pub(super) fn rescue(&self, rescue: &Rescue) -> rusqlite::Result<Rescued> {
        if let Some(late) = rescue.too_late(self.now) {
            return Ok(late);
        }
        let mut answer = Rescued::default();
        self.age_beats_from_the_future()?;
        let dead = self.dead_overseers(rescue.dead_after)?;
        // As many as were looked for: there may be others.
        answer.more = dead.len() >= BATCH_LIMIT;
        for overseer in dead {
            self.condemn(&overseer)?;
            let room = rescue.at_most.min(BATCH_LIMIT) - answer.total();
            let runs = self.pending_of(&overseer, room + 1)?;
            let more = runs.len() > room;
            for left in runs.into_iter().take(room) {
                self.take_back(left, &overseer, rescue.max_crashes, &mut answer)?;
            }
            if more {
                answer.more = true;
                break;
            }
            self.execute(
                "DELETE FROM owners WHERE queue = ?1 AND overseer = ?2",
                (self.name.as_str(), overseer.as_str()),
            )?;
        }
        Ok(answer)
    }

    fn dead_overseers(&self, dead_after: Duration) -> rusqlite::Result<Vec<OverseerId>> {
        let mut dead = self.connection.prepare_cached(
            "SELECT overseer FROM owners WHERE queue = ?1 AND (condemned OR beat <= ?2) ORDER BY overseer LIMIT ?3",
        )?;
        let last_beat = self.now_millis() - clock::millis(dead_after);
        dead.query_map((self.name.as_str(), last_beat, count(BATCH_LIMIT)), |row| name(row, 0))?.collect()
    }

    fn condemn(&self, overseer: &OverseerId) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE owners SET condemned = 1 WHERE queue = ?1 AND overseer = ?2 AND NOT condemned",
            (self.name.as_str(), overseer.as_str()),
        )?;
        Ok(())
    }

    /// The clock was set back since: they count as made now.
    fn age_beats_from_the_future(&self) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE owners SET beat = ?2 WHERE queue = ?1 AND overseer IN
                 (SELECT overseer FROM owners WHERE queue = ?1 AND beat > ?2 LIMIT ?3)",
            (self.name.as_str(), self.now_millis(), count(BATCH_LIMIT)),
        )?;
        Ok(())
    }

    /// From the last to the first, so that the first comes to stand in front, also when it takes several calls.
    fn pending_of(&self, overseer: &OverseerId, at_most: usize) -> rusqlite::Result<Vec<Left>> {
        let mut pending = self.connection.prepare_cached(
            "SELECT id, attempts, crashes, error, claimed_at, unknown, log FROM runs
             WHERE queue = ?1 AND list = 'pending' AND overseer = ?2 ORDER BY ticket DESC, rank DESC LIMIT ?3",
        )?;
        let whose = (self.name.as_str(), overseer.as_str(), count(at_most));
        let left = pending.query_map(whose, |row| {
            Ok(Left { id: name(row, 0)?, claimed_at: from_millis(row.get(4)?), history: history(row)? })
        })?;
        left.collect()
    }

    pub(super) fn recall(&self, before: &Ticket) -> rusqlite::Result<Vec<RunId>> {
        let mut older = self.connection.prepare_cached(
            "SELECT id FROM runs WHERE queue = ?1 AND list = 'pending' AND overseer = ?2 AND ticket < ?3
             ORDER BY ticket DESC, rank DESC LIMIT ?4",
        )?;
        let (overseer, number) = (before.overseer.as_str(), before.number.cast_signed());
        let whose = (self.name.as_str(), overseer, number, count(BATCH_LIMIT));
        let ids: Vec<RunId> = older.query_map(whose, |row| name(row, 0))?.collect::<rusqlite::Result<_>>()?;
        let mut back = Vec::with_capacity(ids.len());
        // From the last to the first, so that the first comes to stand in front, also when it takes several calls.
        for id in ids {
            if self.drop_cancelled(&id)? {
                continue;
            }
            self.execute(
                "UPDATE runs SET list = 'waiting', overseer = NULL, ticket = NULL, claimed_at = NULL, rank = ?3
                 WHERE queue = ?1 AND id = ?2",
                (self.name.as_str(), id.as_str(), self.front()?),
            )?;
            back.push(id);
        }
        Ok(back)
    }

    fn take_back(
        &self,
        Left { id, claimed_at, mut history }: Left,
        overseer: &OverseerId,
        max_crashes: u32,
        answer: &mut Rescued,
    ) -> rusqlite::Result<()> {
        if self.drop_cancelled(&id)? {
            answer.cancelled.push(id);
            return Ok(());
        }
        history.attempts += 1;
        history.crashes += 1;
        history.remember(PastAttempt::died(history.attempts, claimed_at, overseer.clone()));
        let History { attempts, crashes, log, .. } = &history;
        let (list, rank, error) = match *crashes >= max_crashes {
            true => ("dead", self.now_millis(), poisoned_reason(*crashes)),
            false => ("waiting", self.front()?, DIED.into()),
        };
        self.execute(
            "UPDATE runs SET list = ?3, overseer = NULL, ticket = NULL, claimed_at = NULL, rank = ?4,
                 attempts = ?5, crashes = ?6, error = ?7, log = ?8
             WHERE queue = ?1 AND id = ?2",
            (self.name.as_str(), id.as_str(), list, rank, attempts, crashes, error, log_to_text(log)),
        )?;
        if list == "dead" {
            answer.poisoned.push(id);
        } else {
            answer.rescued.push(id);
        }
        Ok(())
    }
}

/// What an overseer left behind when it died.
struct Left {
    id: RunId,
    claimed_at: Timestamp,
    history: History,
}

/// Takes or renews the leadership; its epoch, unless another overseer leads.
pub(super) fn lead(
    connection: &Connection,
    overseer: &OverseerId,
    lease: Duration,
    now: Timestamp,
) -> rusqlite::Result<Option<u64>> {
    let mut statement = connection.prepare_cached("SELECT overseer, until, epoch FROM leader")?;
    let leader = statement.query_row([], |row| {
        Ok((row.get::<_, Option<String>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    let (leads, until, mut epoch) = leader.optional()?.unwrap_or_default();
    let ends = to_millis(clock::after(now, lease));
    if leads.as_deref() != Some(overseer.as_str()) {
        if leads.is_some() && now.timestamp_millis() < until {
            // A clock that was set back would let the leader lead for as long again.
            if until > ends {
                connection.prepare_cached("UPDATE leader SET until = ?1")?.execute([ends])?;
            }
            return Ok(None);
        }
        epoch += 1;
    }
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO leader (only, overseer, until, epoch) VALUES (1, ?1, ?2, ?3)",
        )?
        .execute((overseer.as_str(), ends, epoch))?;
    Ok(Some(epoch.cast_unsigned()))
}

/// Gives the leadership up; the epoch stays, for the next leader to count on.
pub(super) fn resign(connection: &Connection, overseer: &OverseerId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE leader SET overseer = NULL WHERE overseer = ?1")?
        .execute([overseer.as_str()])?;
    Ok(())
}
