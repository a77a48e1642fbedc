//! The important queues more often.

use std::collections::HashMap;

use crate::dequeue::{DequeueAdapter, Share};
use crate::name::{NameError, QueueName};

/// Asks the queues in a random order in which a queue of weight 3 comes first three times as often as one
/// of weight 1. None starves, unless its weight is 0: then it is not worked on at all.
///
/// Queues without a weight have weight 1.
#[derive(Clone, Debug)]
pub struct Weighted {
    weights: HashMap<QueueName, u32>,
}

impl Weighted {
    /// Queues and their weights.
    ///
    /// # Errors
    ///
    /// When no queue can have one of the names.
    pub fn new<N: AsRef<str>>(weights: impl IntoIterator<Item = (N, u32)>) -> Result<Self, NameError> {
        let weights = weights.into_iter().map(|(name, weight)| Ok((QueueName::new(name)?, weight)));
        Ok(Self { weights: weights.collect::<Result<_, NameError>>()? })
    }
}

impl DequeueAdapter for Weighted {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        // Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): to sort by u^(1/weight),
        // with u random between 0 and 1, is to draw by weight without putting back. Its logarithm sorts alike.
        let mut drawn: Vec<_> = queues
            .iter()
            .map(|queue| (self.weights.get(queue).copied().unwrap_or(1), queue))
            .filter(|(weight, _)| *weight > 0)
            .map(|(weight, queue)| (fastrand::f64().ln() / f64::from(weight), queue))
            .collect();
        drawn.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        drawn.into_iter().map(|(_, queue)| Share::of(queue, idle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Weighted;
    use crate::dequeue::DequeueAdapter;
    use crate::name::QueueName;

    #[test]
    fn a_queue_comes_first_as_often_as_its_weight_says() {
        let adapter = Weighted::new([("heavy", 3), ("never", 0)]).unwrap();
        let queues = ["light", "heavy", "never"].map(|name| QueueName::new(name).unwrap());

        let plans: Vec<_> = (0..4000).map(|_| adapter.plan(&queues, 1)).collect();

        let heavy_first = plans.iter().filter(|plan| plan[0].queue.as_str() == "heavy").count();
        assert!((2800..3200).contains(&heavy_first), "{heavy_first} of 4000, 3000 expected");
        assert!(plans.iter().all(|plan| plan.len() == 2), "a weight of 0 keeps a queue out");
    }
}
