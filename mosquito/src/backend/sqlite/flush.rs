//! Empties a queue, in steps: one transaction for all runs of a large queue would keep others waiting.

use crate::backend::List;
use crate::backend::sqlite::queue::{Queue, list, name};
use crate::backend::sqlite::rules::flow;
use crate::flow::StoredFlow;
use crate::name::RunId;

/// The most rows that one step removes.
pub(super) const FLUSH_STEP: i64 = 5_000;

/// A flush under way: of the runs; and where any was other than plain, of the unique keys that outlived theirs.
///
/// It goes by id, because that is the one thing about a run that never changes: whatever moves from list to list between
/// two steps is still met. What is enqueued meanwhile may be removed too.
#[derive(Debug, Default)]
pub(super) struct Flush {
    /// How many of the sweeps are done.
    swept: usize,
    /// The last row that there was at the start of this one: it ends there, however much is enqueued meanwhile.
    last: Option<String>,
    /// The last row that was reached.
    reached: Option<String>,
}

/// One way through a table in the order of its rows, which no row's name is empty of.
struct Sweep {
    /// The last row.
    last: &'static str,
    /// The row at which a step ends, so many behind one and not behind another; nothing when there are not so many.
    bound: &'static str,
    /// Removes the rows behind one up to another.
    remove: &'static str,
}

const SWEEPS: [Sweep; 2] = [
    Sweep {
        last: "SELECT id FROM runs WHERE queue = ?1 ORDER BY id DESC LIMIT 1",
        bound: "SELECT id FROM runs WHERE queue = ?1 AND id > ?2 AND id <= ?3 ORDER BY id LIMIT 1 OFFSET ?4",
        remove: "DELETE FROM runs WHERE queue = ?1 AND id > ?2 AND id <= ?3",
    },
    Sweep {
        last: "SELECT key FROM unique_keys WHERE queue = ?1 ORDER BY key DESC LIMIT 1",
        bound: "SELECT key FROM unique_keys WHERE queue = ?1 AND key > ?2 AND key <= ?3
                ORDER BY key LIMIT 1 OFFSET ?4",
        remove: "DELETE FROM unique_keys WHERE queue = ?1 AND key > ?2 AND key <= ?3 AND NOT EXISTS (
                     SELECT 1 FROM runs WHERE queue = ?1 AND id = unique_keys.run)",
    },
];

/// The statements of all sweeps.
#[cfg(test)]
pub(super) fn statements() -> impl Iterator<Item = &'static str> {
    SWEEPS.iter().flat_map(|sweep| [sweep.last, sweep.bound, sweep.remove])
}

impl Flush {
    /// Removes rows up to a bound; nothing while there are more.
    pub(super) fn step(&mut self, queue: &Queue<'_>) -> rusqlite::Result<Option<()>> {
        let sweep = &SWEEPS[self.swept];
        if self.last.is_none() {
            queue.register()?;
            self.last = queue.first_row(sweep.last, [queue.name.as_str()], |row| row.get(0))?;
        }
        if let Some(last) = &self.last {
            let after = self.reached.as_deref().unwrap_or_default();
            let bounds = (queue.name.as_str(), after, last.as_str(), FLUSH_STEP - 1);
            let bound: Option<String> = queue.first_row(sweep.bound, bounds, |row| row.get(0))?;
            let to = bound.as_deref().unwrap_or(last);
            let freed = if self.swept == 0 { Freed::of(queue, after, to)? } else { Freed::default() };
            queue.execute(sweep.remove, (queue.name.as_str(), after, to))?;
            freed.give_back(queue)?;
            if bound.is_some() {
                self.reached = bound;
                return Ok(None);
            }
        }
        *self = Self { swept: self.swept + 1, ..Self::default() };
        let sweeps = if queue.has_flows()? { SWEEPS.len() } else { 1 };
        Ok((self.swept >= sweeps).then_some(()))
    }
}

/// The runs of a step that are not plain, and what they have.
#[derive(Default)]
struct Freed(Vec<(RunId, List, Option<StoredFlow>)>);

impl Freed {
    fn of(queue: &Queue<'_>, after: &str, to: &str) -> rusqlite::Result<Self> {
        if !queue.has_flows()? {
            return Ok(Self::default());
        }
        let mut runs = queue.connection.prepare_cached(
            "SELECT id, list, flow FROM runs
             WHERE queue = ?1 AND id > ?2 AND id <= ?3 AND flow IS NOT NULL",
        )?;
        let runs = runs.query_map((queue.name.as_str(), after, to), |row| {
            Ok((name(row, 0)?, list(row, 1)?, flow(row, 2)?))
        })?;
        runs.collect::<rusqlite::Result<_>>().map(Self)
    }

    fn give_back(self, queue: &Queue<'_>) -> rusqlite::Result<()> {
        self.0.iter().try_for_each(|(id, list, flow)| queue.is_gone(id, *list, flow.as_ref()))
    }
}
