//! What an operator sees and does where a queue has partitions: it is one queue, of several in the store.
//!
//! Each answer is put together of those of its parts, one after the other, so it is of no single moment.

use super::{CancelCount, Filter, Queue, Walk};
use crate::backend::{Backend, Cancelled, LimitReport, List, Sizes, StoredRun, Used};
use crate::error::Result;
use crate::flow::FlowKey;
use crate::job::parts;
use crate::name::{LimitName, QueueName, RunId};

/// The queues of the store that a queue consists of: itself alone, unless it has partitions.
pub(super) struct Parts<'a> {
    backend: &'a dyn Backend,
    names: Vec<QueueName>,
}

impl<'a> Parts<'a> {
    pub(super) async fn of(queue: &'a Queue) -> Result<Self> {
        let backend = &*queue.backend;
        Ok(Self { backend, names: parts(backend, &queue.name).await? })
    }

    pub(super) async fn sizes(&self) -> Result<Sizes> {
        let mut all = Sizes::default();
        for name in &self.names {
            let sizes = self.backend.sizes(name).await?;
            all.waiting += sizes.waiting;
            all.pending += sizes.pending;
            all.scheduled += sizes.scheduled;
            all.dead += sizes.dead;
        }
        Ok(all)
    }

    /// Part by part.
    pub(super) async fn page(&self, list: List, mut offset: usize, at_most: usize) -> Result<Vec<StoredRun>> {
        if let [only] = &*self.names {
            return self.backend.page(only, list, offset, at_most).await;
        }
        let mut all = Vec::new();
        for name in &self.names {
            let size = self.backend.sizes(name).await?.of(list);
            if offset < size && all.len() < at_most {
                all.extend(self.backend.page(name, list, offset, at_most - all.len()).await?);
            }
            offset = offset.saturating_sub(size);
        }
        Ok(all)
    }

    pub(super) async fn find(&self, id: &RunId) -> Result<Option<StoredRun>> {
        for name in &self.names {
            let found = self.backend.find(name, id).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Where a limit holds is told by its key, which determines the partition; the others use nothing of it.
    pub(super) async fn limit(&self, limit: &LimitName, key: &FlowKey) -> Result<LimitReport> {
        let mut all = LimitReport { rate: None, concurrency: None };
        for name in &self.names {
            let report = self.backend.limit(name, limit, key).await?;
            all.rate = together(all.rate, report.rate);
            all.concurrency = together(all.concurrency, report.concurrency);
        }
        Ok(all)
    }

    pub(super) async fn holder(&self, key: &FlowKey) -> Result<Option<RunId>> {
        for name in &self.names {
            let holder = self.backend.holder(name, key).await?;
            if holder.is_some() {
                return Ok(holder);
            }
        }
        Ok(None)
    }

    pub(super) async fn cancel(&self, id: &RunId) -> Result<Cancelled> {
        for name in &self.names {
            match self.backend.cancel(name, std::slice::from_ref(id)).await?.pop() {
                None | Some(Cancelled::Unknown) => (),
                Some(answer) => return Ok(answer),
            }
        }
        Ok(Cancelled::Unknown)
    }

    pub(super) async fn cancel_where(&self, filter: &Filter) -> Result<CancelCount> {
        let mut all = CancelCount::default();
        for name in &self.names {
            let count = Walk::new(self.backend, name, filter).finish().await?;
            all.removed += count.removed;
            all.running += count.running;
        }
        Ok(all)
    }

    pub(super) async fn delete(&self, id: &RunId) -> Result<bool> {
        for name in &self.names {
            if self.backend.delete(name, id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) async fn flush(&self) -> Result<()> {
        for name in &self.names {
            self.backend.flush(name).await?;
        }
        Ok(())
    }
}

fn together(one: Option<Used>, other: Option<Used>) -> Option<Used> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Used { used: one.used.saturating_add(other.used), limit: one.limit.max(other.limit) })
        }
        (one, other) => one.or(other),
    }
}
