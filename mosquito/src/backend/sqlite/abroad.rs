//! Notices what other processes do to the file, for those who wait.
//!
//! SQLite counts the commits of other connections in a `data_version`. While somebody waits, the thread
//! looks at it every [`LOOK_EVERY`]; when it changed, so may have the queues that are waited for.
//!
//! Invariant: nothing is missed. What happened while nobody waited shows at the next wait, because for each
//! bell the version at its last look is remembered. And a due time is news when it is earlier
//! than the one that this process was last told of, whoever scheduled it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::backend::Signal;
use crate::backend::doorbell::Bell;
use crate::backend::sqlite::cancelling::last_word;
use crate::backend::sqlite::queue::Queue;
use crate::backend::sqlite::signals::{Ring, Signals};
use crate::clock::Timestamp;
use crate::name::{OverseerId, QueueName};

/// How often somebody who waits has the file looked at: the most that another process's work is noticed late.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What is waited for on one handle, and by how many.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits(Arc<Mutex<HashMap<Bell, usize>>>);

/// Somebody waits, until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    waits: Waits,
    bells: Vec<Bell>,
}

impl Waits {
    pub(super) fn enter(&self, bells: impl IntoIterator<Item = Bell>) -> Waiting {
        let bells: Vec<_> = bells.into_iter().collect();
        let mut waits = self.lock();
        for bell in &bells {
            *waits.entry(bell.clone()).or_default() += 1;
        }
        Waiting { waits: self.clone(), bells }
    }

    /// Whether anybody waits for anything.
    pub(super) fn any(&self) -> bool {
        !self.lock().is_empty()
    }

    fn all(&self) -> Vec<Bell> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bell, usize>> {
        // A count cannot be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut waits = self.waits.lock();
        for bell in self.bells.drain(..) {
            match waits.get_mut(&bell) {
                Some(others) if *others > 1 => *others -= 1,
                _ => drop(waits.remove(&bell)),
            }
        }
    }
}

/// What one connection has seen of what others did.
#[derive(Debug)]
pub(super) struct Abroad {
    opened_at: i64,
    seen: HashMap<Bell, i64>,
    /// When the pause of each queue ends, as whoever waits there was told.
    ends: HashMap<QueueName, Timestamp>,
    /// The word that each overseer heard last.
    heard: HashMap<OverseerId, i64>,
}

impl Abroad {
    /// Nothing yet, for a connection that was just opened.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let opened_at = data_version(connection)?;
        Ok(Self { opened_at, seen: HashMap::new(), ends: HashMap::new(), heard: HashMap::new() })
    }

    /// Rings for what others did since the last look.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        waits: &Waits,
        signals: &Signals,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        // Before the queues: what changes in between is looked at once more.
        let version = data_version(connection)?;
        for bell in waits.all() {
            if *self.seen.get(&bell).unwrap_or(&self.opened_at) == version {
                continue;
            }
            let ring = match bell.clone() {
                Bell::Of(Signal::Work, name) => {
                    let queue = Queue::within(connection, &name, now);
                    let end = queue.paused()?.and_then(|paused| paused.until);
                    let before = match end {
                        Some(end) => self.ends.insert(name.clone(), end),
                        None => self.ends.remove(&name),
                    };
                    // Whoever waits in a queue that was paused for a time is to learn when to look again.
                    let paused_anew = end.is_some() && end != before;
                    (paused_anew || queue.has_work()?).then_some(Ring::Work(name))
                }
                Bell::Of(Signal::Due, name) => {
                    let due = Queue::within(connection, &name, now).first_due()?;
                    due.filter(|due| signals.is_news(&name, *due)).map(|due| Ring::Due(name, due))
                }
                Bell::Ear(overseer) => {
                    let word = last_word(connection, &overseer)?;
                    let is_news = word.is_some_and(|word| self.heard.get(&overseer) != Some(&word));
                    self.heard.extend(word.map(|word| (overseer.clone(), word)));
                    is_news.then_some(Ring::Ear(overseer))
                }
            };
            signals.ring(ring);
            self.seen.insert(bell, version);
        }
        Ok(())
    }
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
