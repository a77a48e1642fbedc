//! All queues alike.

use crate::dequeue::{DequeueAdapter, Share};
use crate::name::QueueName;

/// Asks the queues in a new random order each time, so that none can starve another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shuffle;

impl DequeueAdapter for Shuffle {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        let mut plan: Vec<_> = queues.iter().map(|queue| Share::of(queue, idle)).collect();
        fastrand::shuffle(&mut plan);
        plan
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Shuffle;
    use crate::dequeue::DequeueAdapter;
    use crate::name::QueueName;

    #[test]
    fn every_queue_comes_first_now_and_then() {
        let queues = ["a", "b", "c"].map(|name| QueueName::new(name).unwrap());

        let first: HashSet<_> = (0..200).map(|_| Shuffle.plan(&queues, 1)[0].queue.clone()).collect();

        assert_eq!(first.len(), 3, "to miss one by chance has odds of 1 to 10^35");
    }
}
