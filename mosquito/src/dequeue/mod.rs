//! Which queue to dequeue from.
//!
//! Whenever executors are idle, the overseer asks its [`DequeueAdapter`] for a plan over the queues it works
//! on, and claims along it until the executors are busy or the plan is at its end. A queue that a [`Gate`] holds back is not
//! among them.

mod concurrency_limited;
mod gate;
mod shuffle;
mod strict;
mod threshold;
mod weighted;

use std::fmt;

use crate::name::QueueName;

pub use concurrency_limited::ConcurrencyLimited;
pub use gate::Gate;
pub use shuffle::Shuffle;
pub use strict::StrictOrder;
pub use threshold::Threshold;
pub use weighted::Weighted;

/// A strategy for dequeuing, as the application chose it: [`Shuffle`] by default.
///
/// ```
/// use mosquito::QueueName;
/// use mosquito::dequeue::{DequeueAdapter, Share};
///
/// /// Leaves queues that start with `night.` alone.
/// #[derive(Debug)]
/// struct Daytime;
///
/// impl DequeueAdapter for Daytime {
///     fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
///         let by_day = queues.iter().filter(|queue| !queue.as_str().starts_with("night."));
///         by_day.map(|queue| Share::of(queue, idle)).collect()
///     }
/// }
///
/// let queues = [QueueName::new("mail")?, QueueName::new("night.report")?];
/// assert_eq!(Daytime.plan(&queues, 4).len(), 1);
/// # Ok::<(), mosquito::NameError>(())
/// ```
pub trait DequeueAdapter: fmt::Debug + Send + Sync + 'static {
    /// Which queues to ask, in which order, each for how many runs at most. `queues` are those that may be
    /// worked on; `idle`, at least 1, is how many executors wait for work.
    ///
    /// Called for each round of dequeuing, so it should be quick. Other queues than the given ones are passed over. One with
    /// [partitions](crate::guide::partitions) is one of them, and a share of it is one of all its partitions together.
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share>;

    /// How many runs of a queue may be performed at the same time in this process, whatever the plan says; without a limit by default. Each
    /// [`Share`] is cut to it, and the overseer asks again when one of that queue's runs has come to its end.
    ///
    /// It may answer otherwise each time, and what is at work already is counted. What is
    /// [configured](crate::Configuration::set_limit) in the store counts instead.
    fn limit(&self, _queue: &QueueName) -> Option<usize> {
        None
    }
}

/// A queue's part in a round of dequeuing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The queue to ask.
    pub queue: QueueName,
    /// The most runs to take from it in this round.
    pub at_most: usize,
}

impl Share {
    /// Up to `at_most` runs of a queue.
    #[must_use]
    pub fn of(queue: &QueueName, at_most: usize) -> Self {
        Self { queue: queue.clone(), at_most }
    }
}
