//! Cancels the runs that a filter means, in bounded steps.
//!
//! Runs move while it walks: forward, from `scheduled` to `waiting` to `pending`, which is the order in which it looks at the
//! lists, so it meets them later; and back, which is why it begins anew until it finds nothing more.

use std::collections::HashSet;
use std::fmt;

use super::{Filter, Queue};
use crate::backend::{BATCH_LIMIT, Cancelled, List, Sizes};
use crate::error::Result;
use crate::name::RunId;

/// How many runs are looked at in one call. Each may have 256 KiB of arguments.
const STEP: usize = 200;

/// How often it begins anew at most: whoever enqueues what is meant without end is not run after.
const ROUNDS: usize = 10;

/// How many runs a [`Queue::cancel_where`] cancelled.
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

/// One walk through a queue.
pub(super) struct Walk<'a> {
    queue: &'a Queue,
    filter: &'a Filter,
    count: CancelCount,
    /// Those that were told to end, and may be met again.
    told: HashSet<RunId>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(queue: &'a Queue, filter: &'a Filter) -> Self {
        Self { queue, filter, count: CancelCount::default(), told: HashSet::new() }
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
        let Queue { name, backend } = self.queue;
        let (mut offset, mut meant) = (0, Vec::new());
        let mut left = size(&backend.sizes(name).await?, list);
        while left > 0 {
            // Memory is always ready.
            tokio::task::yield_now().await;
            let page = backend.page(name, list, offset, STEP).await?;
            left = left.saturating_sub(STEP);
            offset += STEP;
            let taken = page.iter().filter(|run| !self.told.contains(&run.id) && self.filter.takes(run));
            meant.extend(taken.map(|run| run.id.clone()));
            if meant.len() > BATCH_LIMIT - STEP || left == 0 {
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
        let answers = self.queue.backend.cancel(&self.queue.name, ids).await?;
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

fn size(sizes: &Sizes, list: List) -> usize {
    match list {
        List::Waiting => sizes.waiting,
        List::Pending => sizes.pending,
        List::Scheduled => sizes.scheduled,
        List::Dead => sizes.dead,
    }
}
