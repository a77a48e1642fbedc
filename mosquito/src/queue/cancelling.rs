//! Cancels the runs that a filter means, in bounded steps.
//!
//! Runs move while it walks: forward, from `scheduled` to `waiting` to `pending`, which is the order in which it looks at the
//! lists, so it meets them later; and back, which is why it begins anew until it finds nothing more.

use std::collections::HashSet;
use std::fmt;

use super::Filter;
use crate::backend::{BATCH_LIMIT, Backend, Cancelled, List, StoredRun};
use crate::error::Result;
use crate::name::{QueueName, RunId};

/// How many runs are looked at in the first call; in the next as many as are about so large together, since each may have
/// 256 KiB of arguments.
const FIRST_STEP: usize = 200;
const STEP_BYTES: usize = 8 << 20;

/// How often it begins anew at most: whoever enqueues what is meant without end is not run after.
const ROUNDS: usize = 10;

/// How many runs a [`Queue::cancel_where`](crate::Queue::cancel_where) cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CancelCount {
    /// Those that waited or were scheduled, and are gone.
    pub removed: usize,
    /// Those that are being performed, and were told to end.
    pub running: usize,
}

impl fmt::Display for CancelCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "removed {}, told {} to end", self.removed, self.running)
    }
}

/// One walk through a queue of the store.
pub(super) struct Walk<'a> {
    backend: &'a dyn Backend,
    name: &'a QueueName,
    filter: &'a Filter,
    count: CancelCount,
    /// Those that were told to end, and may be met again.
    told: HashSet<RunId>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(backend: &'a dyn Backend, name: &'a QueueName, filter: &'a Filter) -> Self {
        Self { backend, name, filter, count: CancelCount::default(), told: HashSet::new() }
    }

    pub(super) async fn finish(mut self) -> Result<CancelCount> {
        for _ in 0..ROUNDS {
            let before = self.count;
            for list in [List::Scheduled, List::Waiting, List::Pending] {
                if self.filter.includes(list) {
                    self.through(list).await?;
                }
            }
            if self.count == before {
                break;
            }
        }
        Ok(self.count)
    }

    /// Once through a list, as long as it is now.
    async fn through(&mut self, list: List) -> Result<()> {
        let Self { backend, name, .. } = *self;
        let (mut offset, mut meant) = (0, Vec::new());
        let (mut left, mut step) = (backend.sizes(name).await?.of(list), FIRST_STEP);
        while left > 0 {
            // Memory is always ready.
            tokio::task::yield_now().await;
            let page = backend.page(name, list, offset, step).await?;
            left = left.saturating_sub(step);
            offset += step;
            step = next_step(&page);
            let taken = page.iter().filter(|run| !self.told.contains(&run.id) && self.filter.takes(run));
            meant.extend(taken.map(|run| run.id.clone()));
            if meant.len() >= BATCH_LIMIT || left == 0 {
                // What stood behind them has come nearer.
                offset = offset.saturating_sub(self.cancel(&meant).await?);
                meant.clear();
            }
        }
        Ok(())
    }

    /// Cancels runs, and answers how many are gone.
    async fn cancel(&mut self, ids: &[RunId]) -> Result<usize> {
        if ids.is_empty() {
            return Ok(0);
        }
        let answers = self.backend.cancel(self.name, ids).await?;
        let mut removed = 0;
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Cancelled::Removed => removed += 1,
                Cancelled::Running(_) if self.told.insert(id.clone()) => self.count.running += 1,
                Cancelled::Running(_) | Cancelled::Dead | Cancelled::Unknown => (),
            }
        }
        self.count.removed += removed;
        Ok(removed)
    }
}

fn next_step(page: &[StoredRun]) -> usize {
    let bytes: usize = page.iter().map(|run| run.envelope.len()).sum();
    let as_large = (page.len() * STEP_BYTES).checked_div(bytes);
    // What is gone meanwhile has no size.
    as_large.map_or(BATCH_LIMIT, |step| step.clamp(1, BATCH_LIMIT))
}
