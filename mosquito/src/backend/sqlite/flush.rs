//! Empties a queue, in steps: one transaction for all runs of a large queue would keep others waiting.

use crate::backend::sqlite::queue::{Queue, name};
use crate::name::RunId;

/// The most runs that one step removes.
pub(super) const FLUSH_STEP: i64 = 5_000;

/// A flush under way. It goes by id, because that is the one thing about a run that never changes: whatever
/// moves from list to list between two steps is still met. What is enqueued meanwhile may be removed too.
#[derive(Debug, Default)]
pub(super) struct Flush {
    /// The last id that there was at the start: the flush ends there, however much is enqueued meanwhile.
    last: Option<RunId>,
    /// The last id that was removed.
    reached: Option<RunId>,
}

impl Flush {
    /// Removes runs up to a bound; nothing while there are more.
    pub(super) fn step(&mut self, queue: &Queue<'_>) -> rusqlite::Result<Option<()>> {
        if self.last.is_none() {
            queue.register()?;
            self.last = last_id(queue)?;
        }
        let Some(last) = &self.last else { return Ok(Some(())) };
        // No id is empty.
        let after = self.reached.as_ref().map_or("", RunId::as_str);
        let bound = queue.first_row(
            "SELECT id FROM runs WHERE queue = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT 1 OFFSET ?4",
            (queue.name.as_str(), after, last.as_str(), FLUSH_STEP - 1),
            |row| name::<RunId>(row, 0),
        )?;
        queue.execute(
            "DELETE FROM runs WHERE queue = ?1 AND id > ?2 AND id <= ?3",
            (queue.name.as_str(), after, bound.as_ref().unwrap_or(last).as_str()),
        )?;
        self.reached = bound;
        Ok(if self.reached.is_none() { Some(()) } else { None })
    }
}

fn last_id(queue: &Queue<'_>) -> rusqlite::Result<Option<RunId>> {
    queue.first_row(
        "SELECT id FROM runs WHERE queue = ?1 ORDER BY id DESC LIMIT 1",
        [queue.name.as_str()],
        |row| name(row, 0),
    )
}
