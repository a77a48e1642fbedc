//! Rings for what this process did, once it is committed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::backend::Signal;
use crate::backend::doorbell::Doorbell;
use crate::backend::sqlite::queue::Queue;
use crate::name::{OverseerId, QueueName};

/// What a transaction gives reason to ring for.
pub(super) type Rings = Vec<Ring>;

#[derive(Debug)]
pub(super) enum Ring {
    Work(QueueName),
    /// With the due time of the earliest scheduled run.
    Due(QueueName, i64),
    /// A word into the ear of an overseer.
    Ear(OverseerId),
}

/// Shared by all handles of a process that were separated from one.
#[derive(Debug, Default)]
pub(super) struct Signals {
    pub(super) doorbell: Doorbell,
    /// The earliest due time of each queue, as this process was last told.
    told: Mutex<HashMap<QueueName, i64>>,
}

impl Signals {
    pub(super) fn ring(&self, rings: impl IntoIterator<Item = Ring>) {
        for ring in rings {
            match ring {
                Ring::Work(queue) => self.doorbell.ring(Signal::Work, &queue),
                Ring::Due(queue, due) => {
                    self.tell_due(&queue, Some(due));
                    self.doorbell.ring(Signal::Due, &queue);
                }
                Ring::Ear(overseer) => self.doorbell.call(&overseer),
            }
        }
    }

    /// Notes what a promotion is about to answer. To be called before its commit, while nobody else can
    /// schedule anything: otherwise what comes in between would not be seen to be earlier.
    pub(super) fn tell_due(&self, queue: &QueueName, due: Option<i64>) {
        match due {
            Some(due) => drop(self.told().insert(queue.clone(), due)),
            None => drop(self.told().remove(queue)),
        }
    }

    /// Whether a due time is earlier than what this process was told.
    pub(super) fn is_news(&self, queue: &QueueName, due: i64) -> bool {
        self.told().get(queue).is_none_or(|told| due < *told)
    }

    fn told(&self) -> MutexGuard<'_, HashMap<QueueName, i64>> {
        // A map cannot be left half changed.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
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
    queue.write_down()?;
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
