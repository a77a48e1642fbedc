//! The important queues first.

use crate::dequeue::{DequeueAdapter, Share};
use crate::name::{NameError, QueueName};

/// Asks the queues in a fixed order: a queue gets an executor only when all before it are empty.
///
/// Queues that are not on the list come after it, in the order of their names.
#[derive(Clone, Debug)]
pub struct StrictOrder {
    order: Vec<QueueName>,
}

impl StrictOrder {
    /// The queues, the most important first.
    ///
    /// # Errors
    ///
    /// When no queue can have one of the names.
    pub fn new<N: AsRef<str>>(order: impl IntoIterator<Item = N>) -> Result<Self, NameError> {
        let order = order.into_iter().map(QueueName::new).collect::<Result<_, _>>()?;
        Ok(Self { order })
    }
}

impl DequeueAdapter for StrictOrder {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        let mut queues: Vec<_> = queues.iter().collect();
        let place =
            |queue: &QueueName| self.order.iter().position(|other| other == queue).unwrap_or(usize::MAX);
        queues.sort_by_key(|queue| (place(queue), *queue));
        queues.into_iter().map(|queue| Share::of(queue, idle)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::StrictOrder;
    use crate::dequeue::DequeueAdapter;
    use crate::name::QueueName;

    #[test]
    fn queues_come_in_the_order_given_and_the_others_behind() {
        let adapter = StrictOrder::new(["urgent", "mail"]).unwrap();
        let queues = ["b", "mail", "a", "urgent"].map(|name| QueueName::new(name).unwrap());

        let plan = adapter.plan(&queues, 3);

        let order: Vec<_> = plan.iter().map(|share| share.queue.as_str()).collect();
        assert_eq!(order, ["urgent", "mail", "a", "b"]);
        assert!(plan.iter().all(|share| share.at_most == 3));
    }
}
