//! A few runs of a queue at once.

use std::collections::HashMap;

use crate::dequeue::{DequeueAdapter, Share, Shuffle};
use crate::name::{NameError, QueueName};

/// Performs no more runs of a queue at the same time, in this process, than its limit says. Queues without a limit take as many executors as
/// are idle.
///
/// Which queue comes next is up to another adapter: [`Shuffle`], or the one given by [`over`](Self::over). A queue at its limit holds up no other,
/// and goes on at the moment one of its runs comes to its end. A limit of 0 keeps a queue out.
///
/// ```
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// # let mosquito = mosquito::Mosquito::connect("memory://").await?;
/// use mosquito::dequeue::{ConcurrencyLimited, StrictOrder};
///
/// let limited = ConcurrencyLimited::new([("exports", 2), ("reports", 5)])?;
/// let runner = mosquito.runner().dequeue(limited.over(StrictOrder::new(["mail"])?)).build()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ConcurrencyLimited<A = Shuffle> {
    limits: HashMap<QueueName, usize>,
    adapter: A,
}

impl ConcurrencyLimited {
    /// Queues and their limits.
    ///
    /// # Errors
    ///
    /// When no queue can have one of the names.
    pub fn new<N: AsRef<str>>(limits: impl IntoIterator<Item = (N, usize)>) -> Result<Self, NameError> {
        let limits = limits.into_iter().map(|(name, limit)| Ok((QueueName::new(name)?, limit)));
        Ok(Self { limits: limits.collect::<Result<_, NameError>>()?, adapter: Shuffle })
    }
}

impl<A> ConcurrencyLimited<A> {
    /// The same limits with another adapter beneath, whose own limits are kept to as well.
    #[must_use]
    pub fn over<B: DequeueAdapter>(self, adapter: B) -> ConcurrencyLimited<B> {
        ConcurrencyLimited { limits: self.limits, adapter }
    }
}

impl<A: DequeueAdapter> DequeueAdapter for ConcurrencyLimited<A> {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        self.adapter.plan(queues, idle)
    }

    fn limit(&self, queue: &QueueName) -> Option<usize> {
        let limits = [self.limits.get(queue).copied(), self.adapter.limit(queue)];
        limits.into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::ConcurrencyLimited;
    use crate::dequeue::{DequeueAdapter, StrictOrder};
    use crate::name::QueueName;

    #[test]
    fn the_smaller_limit_counts() {
        let limited = |limits: [(&str, usize); 2]| ConcurrencyLimited::new(limits).unwrap();
        let adapter = limited([("a", 2), ("b", 7)]).over(limited([("b", 3), ("c", 4)]));
        let queues = ["a", "b", "c", "d"].map(|name| QueueName::new(name).unwrap());

        assert_eq!(queues.map(|queue| adapter.limit(&queue)), [Some(2), Some(3), Some(4), None]);
    }

    #[test]
    fn the_order_is_that_of_the_adapter_beneath() {
        let strict = StrictOrder::new(["b", "a"]).unwrap();
        let adapter = ConcurrencyLimited::new([("a", 1)]).unwrap().over(strict);
        let queues = ["a", "b"].map(|name| QueueName::new(name).unwrap());

        let order: Vec<_> = adapter.plan(&queues, 5).into_iter().map(|share| share.queue).collect();

        assert_eq!(order, ["b", "a"].map(|name| QueueName::new(name).unwrap()));
    }
}
