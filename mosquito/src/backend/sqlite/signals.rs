//! Wakes waiters: for what this process did, and for what others did to the same file.
//!
//! A call of this process rings when its transaction is committed. Commits of other processes show in
//! SQLite's `data_version`; while somebody waits, it is looked at every [`LOOK_EVERY`], and when it
//! changed, so is the queue that is waited for.
//!
//! Invariant: no ring is lost. What others did while nobody waited shows at the next wait, because for each
//! queue and signal the version that it was last looked at is remembered. And a due time rings when it is
//! earlier than the one that this process was last told of, whoever scheduled it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::backend::Signal;
use crate::backend::doorbell::Doorbell;
use crate::backend::sqlite::queue::Queue;
use crate::clock::Timestamp;
use crate::name::QueueName;

/// How often a waiter looks for what other processes did: the most that their work is noticed late.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(25);

/// What a transaction gives reason to ring for, once it is committed.
pub(super) type Rings = Vec<Ring>;

pub(super) enum Ring {
    Work(QueueName),
    /// With the due time of the earliest scheduled run.
    Due(QueueName, i64),
}

/// Shared by all handles of a process that were separated from one.
#[derive(Debug, Default)]
pub(super) struct Signals {
    pub(super) doorbell: Doorbell,
    /// The earliest due time of each queue, as this process was last told.
    told: Memo<QueueName, i64>,
}

impl Signals {
    pub(super) fn ring(&self, rings: Rings) {
        for ring in rings {
            match ring {
                Ring::Work(queue) => self.doorbell.ring(Signal::Work, &queue),
                Ring::Due(queue, due) => {
                    self.told.set(&queue, Some(due));
                    self.doorbell.ring(Signal::Due, &queue);
                }
            }
        }
    }

    /// Notes what a promotion is about to answer. To be called before its commit, while nobody else can
    /// schedule anything: otherwise what comes in between would not be seen to be earlier.
    pub(super) fn tell_due(&self, queue: &QueueName, due: Option<i64>) {
        self.told.set(queue, due);
    }

    fn is_news(&self, queue: &QueueName, due: i64) -> bool {
        self.told.get(queue).is_none_or(|told| due < told)
    }
}

/// Performs a move on a queue, and notes the rings that it gives reason for.
pub(super) fn noting<T>(
    queue: &Queue<'_>,
    rings: &mut Rings,
    act: impl FnOnce(&Queue<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let due_before = queue.first_due()?;
    let done = act(queue)?;
    if queue.has_work()? {
        rings.push(Ring::Work(queue.name.clone()));
    }
    if let Some(due) = queue.first_due()?
        && due_before.is_none_or(|before| due < before)
    {
        rings.push(Ring::Due(queue.name.clone(), due));
    }
    Ok(done)
}

/// What one connection has seen of what other connections did.
#[derive(Debug)]
pub(super) struct Abroad {
    opened_at: i64,
    seen: Memo<(Signal, QueueName), i64>,
}

impl Abroad {
    /// For a connection that had this `data_version` when it was opened.
    pub(super) fn since(opened_at: i64) -> Self {
        Self { opened_at, seen: Memo::default() }
    }

    /// Rings for queues that others gave reason to, if anybody did anything since the last look.
    pub(super) fn look(
        &self,
        connection: &Connection,
        signals: &Signals,
        (signal, queues): (Signal, &[QueueName]),
        now: Timestamp,
    ) -> rusqlite::Result<Rings> {
        let version: i64 =
            connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        let mut rings = Rings::new();
        for name in queues {
            let key = (signal, name.clone());
            if self.seen.get(&key).unwrap_or(self.opened_at) == version {
                continue;
            }
            let queue = Queue { connection, name, now };
            match signal {
                Signal::Work if queue.has_work()? => rings.push(Ring::Work(name.clone())),
                Signal::Work => (),
                Signal::Due => {
                    let due = queue.first_due()?.filter(|due| signals.is_news(name, *due));
                    rings.extend(due.map(|due| Ring::Due(name.clone(), due)));
                }
            }
            self.seen.set(&key, Some(version));
        }
        Ok(rings)
    }
}

/// Notes that threads share.
#[derive(Debug)]
struct Memo<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, V: Copy> Memo<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        // A map cannot be left half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn set(&self, key: &K, value: Option<V>) {
        let mut memo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match value {
            Some(value) => drop(memo.insert(key.clone(), value)),
            None => drop(memo.remove(key)),
        }
    }
}
