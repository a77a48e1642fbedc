//! How many runs of each queue are at work in this process.
//!
//! Invariant: a place is taken when its run is claimed, and free when nothing of the run is left here: it cannot leak. So a run that
//! goes on although its lease is lost still has its place. All runs are counted, since a limit may be set while they are at work. The partitions
//! of a queue are counted together.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::name::QueueName;

/// The taken places of each queue that was ever claimed from.
#[derive(Debug, Default)]
pub(super) struct Places {
    queues: HashMap<QueueName, Arc<Taken>>,
    freed: Arc<Notify>,
}

/// Those of one queue.
#[derive(Debug, Default)]
pub(super) struct Taken {
    count: AtomicUsize,
    /// Whether anybody waits for one to become free.
    limited: AtomicBool,
    freed: Arc<Notify>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<Taken>);

impl Places {
    /// Places of which whoever waits is told by `freed` when one of a limited queue becomes free.
    pub(super) fn new(freed: Arc<Notify>) -> Self {
        Self { queues: HashMap::new(), freed }
    }

    /// How many more runs of a queue may be at work under a limit, or without one.
    pub(super) fn left(&self, queue: &QueueName, limit: Option<usize>) -> usize {
        let taken = self.queues.get(queue.whole_str());
        if let Some(taken) = taken {
            // Before they are counted: one that becomes free from now on is told.
            taken.limited.store(limit.is_some(), Ordering::SeqCst);
        }
        let taken = taken.map_or(0, |taken| taken.count.load(Ordering::SeqCst));
        limit.map_or(usize::MAX, |limit| limit.saturating_sub(taken))
    }

    /// The places of a queue, to take some.
    pub(super) fn of(&mut self, queue: &QueueName) -> Arc<Taken> {
        match self.queues.get(queue.whole_str()) {
            Some(taken) => taken.clone(),
            None => {
                let taken = Arc::new(Taken { freed: self.freed.clone(), ..Taken::default() });
                self.queues.insert(queue.whole(), taken.clone());
                taken
            }
        }
    }
}

impl Taken {
    /// Takes a place, whether or not there is one left: a run that was claimed is there.
    pub(super) fn take(self: &Arc<Self>) -> Place {
        self.count.fetch_add(1, Ordering::SeqCst);
        Place(self.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        if self.0.limited.load(Ordering::SeqCst) {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::name::QueueName;

    #[test]
    fn a_place_is_free_again_when_its_run_is_gone() {
        let (mut places, mail) = (Places::default(), QueueName::new("mail").unwrap());

        let (first, second) = (places.of(&mail).take(), places.of(&mail).take());
        let left = |places: &Places, limits: [usize; 3]| limits.map(|limit| places.left(&mail, Some(limit)));
        assert_eq!(left(&places, [2, 3, 1]), [0, 1, 0]);
        assert_eq!(places.left(&mail, None), usize::MAX);
        drop(first);

        assert_eq!(places.left(&mail, Some(2)), 1);
        drop(second);
        assert_eq!(places.left(&mail, Some(2)), 2);
    }

    #[test]
    fn the_partitions_of_a_queue_share_its_places() {
        let (mut places, events) = (Places::default(), QueueName::new("events").unwrap());

        let _place = places.of(&events.at_partition(1).unwrap()).take();

        assert_eq!(places.left(&events.at_partition(0).unwrap(), Some(3)), 2);
        assert_eq!(places.left(&events, Some(3)), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_of_a_free_place_of_a_limited_queue_only() {
        let (freed, mail) =
            (std::sync::Arc::<tokio::sync::Notify>::default(), QueueName::new("mail").unwrap());
        let mut places = Places::new(freed.clone());
        let is_told = || async {
            let second = std::time::Duration::from_secs(1);
            tokio::time::timeout(second, freed.notified()).await.is_ok()
        };

        drop(places.of(&mail).take());
        assert!(!is_told().await);
        let place = places.of(&mail).take();
        assert_eq!(places.left(&mail, Some(1)), 0);
        drop(place);
        assert!(is_told().await);
    }
}
