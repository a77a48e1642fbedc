//! Has a plan for queues be one for what they consist of in the store.
//!
//! An adapter knows a queue with partitions as one, by its name. Each of its partitions is asked in its place, in another order each time, and all
//! of them together for no more than its share.

use std::collections::{BTreeSet, HashMap};

use crate::dequeue::{DequeueAdapter, Share};
use crate::name::QueueName;

/// What the queues with partitions may yet take in this round, if that is less than there are idle executors.
#[derive(Debug, Default)]
pub(super) struct Spread(HashMap<QueueName, usize>);

impl Spread {
    /// Begins a round.
    pub(super) fn plan(
        &mut self,
        adapter: &dyn DequeueAdapter,
        queues: &[QueueName],
        idle: usize,
    ) -> Vec<Share> {
        self.0.clear();
        if !queues.iter().any(QueueName::is_partition) {
            return adapter.plan(queues, idle);
        }
        let wholes: BTreeSet<_> = queues.iter().map(QueueName::whole).collect();
        let wholes: Vec<_> = wholes.into_iter().collect();
        let mut plan = Vec::new();
        for share in adapter.plan(&wholes, idle) {
            let parts = queues.iter().filter(|queue| queue.whole_str() == share.queue.as_str());
            let mut parts: Vec<_> = parts.map(|part| Share::of(part, share.at_most)).collect();
            fastrand::shuffle(&mut parts);
            if parts.len() > 1 && share.at_most < idle {
                self.0.insert(share.queue, share.at_most);
            }
            plan.extend(parts);
        }
        plan
    }

    /// How many runs may be taken for a share.
    pub(super) fn left(&self, share: &Share) -> usize {
        match self.0.is_empty() {
            true => share.at_most,
            false => {
                self.0.get(share.queue.whole_str()).map_or(share.at_most, |left| share.at_most.min(*left))
            }
        }
    }

    /// Notes that so many were.
    pub(super) fn took(&mut self, queue: &QueueName, runs: usize) {
        if let Some(left) = self.0.get_mut(queue.whole_str()) {
            *left = left.saturating_sub(runs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;
    use crate::dequeue::{DequeueAdapter, Share, StrictOrder};
    use crate::name::QueueName;

    fn queues(names: &[&str]) -> Vec<QueueName> {
        names.iter().map(|name| QueueName::new(name).unwrap()).collect()
    }

    #[test]
    fn the_partitions_of_a_queue_come_where_its_name_stands() {
        let adapter = StrictOrder::new(["urgent", "events", "mail"]).unwrap();
        let queues = queues(&["events", "events~0", "events~1", "events~2", "mail", "urgent"]);

        let orders: Vec<Vec<String>> = (0..200)
            .map(|_| Spread::default().plan(&adapter, &queues, 3))
            .map(|plan| plan.iter().map(|share| share.queue.to_string()).collect())
            .collect();

        for order in &orders {
            assert_eq!((order[0].as_str(), order[5].as_str(), order.len()), ("urgent", "mail", 6));
        }
        for part in ["events", "events~0", "events~1", "events~2"] {
            assert!(orders.iter().any(|order| order[1] == part), "{part} is never the first");
        }
    }

    #[test]
    fn a_share_of_a_queue_is_one_of_all_its_partitions_together() {
        #[derive(Debug)]
        struct Few;
        impl DequeueAdapter for Few {
            fn plan(&self, queues: &[QueueName], _: usize) -> Vec<Share> {
                queues.iter().map(|queue| Share::of(queue, 2)).collect()
            }
        }
        let queues = queues(&["events", "events~0", "events~1", "mail"]);
        let mut spread = Spread::default();

        let plan = spread.plan(&Few, &queues, 10);
        let share = |name: &str| plan.iter().find(|share| share.queue.as_str() == name).unwrap();
        spread.took(&share("events~1").queue, 1);

        assert_eq!(["events", "events~0", "mail"].map(|name| spread.left(share(name))), [1, 1, 2]);
        spread.took(&share("events").queue, 1);
        spread.took(&share("mail").queue, 1);
        assert_eq!(["events~0", "mail"].map(|name| spread.left(share(name))), [0, 2]);
        let plan = spread.plan(&Few, &queues, 10);
        assert_eq!(spread.left(&plan[0]), 2, "each round anew");
    }
}
