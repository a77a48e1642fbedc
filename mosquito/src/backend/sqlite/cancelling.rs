//! Cancels runs, and tells whoever performs them.
//!
//! The mark is a column of the run's own row, so it goes with the row. Only what is pending is marked, and whatever moves a
//! marked run out of there deletes it. The word that there is a mark is a row that changes: other processes see that it is
//! another one than they heard last.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use crate::backend::doorbell::Bell;
use crate::backend::sqlite::Sqlite;
use crate::backend::sqlite::call::Kind;
use crate::backend::sqlite::queue::{Queue, count, list, name};
use crate::backend::sqlite::signals::{Ring, Rings, noting};
use crate::backend::{BATCH_LIMIT, Cancelled, List};
use crate::clock::{self, Timestamp};
use crate::error::Result;
use crate::flow::StoredFlow;
use crate::name::{OverseerId, QueueName, RunId};

/// For how long a word is kept for an overseer that does not listen. Whoever comes back later looks first.
const WORD_KEPT: Duration = Duration::from_secs(600);

impl Sqlite {
    pub(super) async fn cancel_all(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        let mut answers = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(BATCH_LIMIT) {
            let (name, ids, clock) = (queue.clone(), chunk.to_vec(), self.clock.clone());
            let act = move |connection: &Connection, rings: &mut Rings| {
                let queue = Queue::within(connection, &name, clock.now());
                let answers = noting(&queue, rings, |queue| {
                    ids.iter().map(|id| queue.cancel(id)).collect::<rusqlite::Result<Vec<_>>>()
                })?;
                let mut overseers: Vec<_> = answers.iter().filter_map(Cancelled::overseer).collect();
                overseers.sort();
                overseers.dedup();
                for overseer in overseers {
                    say(connection, overseer, queue.now)?;
                    rings.push(Ring::Ear(overseer.clone()));
                }
                Ok(answers)
            };
            answers.extend(self.thread.call(Kind::Keep, act).await?);
        }
        Ok(answers)
    }

    pub(super) async fn call_one(&self, overseer: &OverseerId) -> Result<()> {
        let (overseer, clock) = (overseer.clone(), self.clock.clone());
        let act = move |connection: &Connection, rings: &mut Rings| {
            say(connection, &overseer, clock.now())?;
            rings.push(Ring::Ear(overseer));
            Ok(())
        };
        self.thread.call(Kind::Move, act).await
    }

    pub(super) async fn listen_for(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        let _waiting = self.waits.enter([Bell::Ear(overseer.clone())]);
        tokio::select! {
            heard = self.signals.doorbell.listen(overseer, timeout) => Ok(heard),
            error = self.watched() => Err(error),
        }
    }
}

impl Queue<'_> {
    fn cancel(&self, id: &RunId) -> rusqlite::Result<Cancelled> {
        let place = self.first_row(
            "SELECT list, overseer FROM runs WHERE queue = ?1 AND id = ?2",
            (self.name.as_str(), id.as_str()),
            |row| {
                Ok((list(row, 0)?, if list(row, 0)? == List::Pending { Some(name(row, 1)?) } else { None }))
            },
        )?;
        Ok(match place {
            None => Cancelled::Unknown,
            Some((List::Dead, _)) => Cancelled::Dead,
            Some((_, Some(overseer))) => {
                self.execute(
                    "UPDATE runs SET cancelled = 1 WHERE queue = ?1 AND id = ?2 AND list = 'pending'",
                    (self.name.as_str(), id.as_str()),
                )?;
                Cancelled::Running(overseer)
            }
            Some(_) => {
                self.delete(id)?;
                Cancelled::Removed
            }
        })
    }

    /// Deletes a run that was cancelled, whatever was to become of it; whether it was.
    pub(super) fn drop_cancelled(&self, id: &RunId, flow: Option<&StoredFlow>) -> rusqlite::Result<bool> {
        let dropped = self.execute(
            "DELETE FROM runs WHERE queue = ?1 AND id = ?2 AND cancelled",
            (self.name.as_str(), id.as_str()),
        )?;
        if dropped > 0 {
            self.give_back(id, flow)?;
            self.let_go(id, flow, true)?;
        }
        Ok(dropped > 0)
    }

    pub(super) fn cancelled(&self, overseer: &OverseerId) -> rusqlite::Result<Vec<RunId>> {
        let mut marked = self.connection.prepare_cached(
            "SELECT id FROM runs WHERE queue = ?1 AND list = 'pending' AND overseer = ?2 AND cancelled LIMIT ?3",
        )?;
        let whose = (self.name.as_str(), overseer.as_str(), count(BATCH_LIMIT));
        marked.query_map(whose, |row| name(row, 0))?.collect()
    }
}

/// The last word that was said to an overseer, if it is not long ago.
pub(super) fn last_word(connection: &Connection, overseer: &OverseerId) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT word FROM calls WHERE overseer = ?1")?
        .query_row([overseer.as_str()], |row| row.get(0))
        .optional()
}

fn say(connection: &Connection, overseer: &OverseerId, now: Timestamp) -> rusqlite::Result<()> {
    let now = now.timestamp_millis();
    connection
        .prepare_cached("DELETE FROM calls WHERE said <= ?1")?
        .execute([now - clock::millis(WORD_KEPT)])?;
    // Another word each time: so whoever hears it knows that it is new.
    connection
        .prepare_cached("INSERT OR REPLACE INTO calls (overseer, word, said) VALUES (?1, ?2, ?3)")?
        .execute((overseer.as_str(), fastrand::i64(..), now))?;
    Ok(())
}
