//! How many runs of a queue are at work in this process, where that is limited.
//!
//! Invariant: a place is taken when its run is claimed, and free when nothing of the run is left here: it cannot leak. So a run that
//! goes on although its lease is lost still has its place.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::name::QueueName;

/// The taken places of each queue that was ever limited.
#[derive(Debug, Default)]
pub(super) struct Places {
    taken: HashMap<QueueName, Arc<AtomicUsize>>,
    freed: Arc<Notify>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Arc<AtomicUsize>,
    freed: Arc<Notify>,
}

impl Places {
    /// Places of which whoever waits is told by `freed` when one becomes free.
    pub(super) fn new(freed: Arc<Notify>) -> Self {
        Self { taken: HashMap::new(), freed }
    }

    /// How many more runs of a queue may be at work under a limit.
    pub(super) fn left(&self, queue: &QueueName, limit: usize) -> usize {
        let taken = self.taken.get(queue).map_or(0, |taken| taken.load(Ordering::SeqCst));
        limit.saturating_sub(taken)
    }

    /// Takes a place, whether or not there is one left: a run that was claimed is there.
    pub(super) fn take(&mut self, queue: &QueueName) -> Place {
        let taken = match self.taken.get(queue) {
            Some(taken) => taken.clone(),
            None => self.taken.entry(queue.clone()).or_default().clone(),
        };
        taken.fetch_add(1, Ordering::SeqCst);
        Place { taken, freed: self.freed.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        self.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::name::QueueName;

    #[test]
    fn a_place_is_free_again_when_its_run_is_gone() {
        let (mut places, mail) = (Places::default(), QueueName::new("mail").unwrap());

        let (first, second) = (places.take(&mail), places.take(&mail));
        assert_eq!((places.left(&mail, 2), places.left(&mail, 3), places.left(&mail, 1)), (0, 1, 0));
        drop(first);

        assert_eq!(places.left(&mail, 2), 1);
        drop(second);
        assert_eq!(places.left(&mail, 2), 2);
    }
}
