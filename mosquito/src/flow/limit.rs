//! How many runs are performed at once, and whose turn it is.

use super::{FlowKey, LimitName};

/// So many runs are performed at once, of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concurrency {
    /// How many, at least 1.
    pub limit: u32,
}

impl Concurrency {
    /// What is wrong with it, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        (self.limit == 0).then_some("a concurrency limit is at least 1: to stop a queue, pause it")
    }
}

/// That a run takes a slot of a limit while it is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrencyUse {
    /// Which limit.
    pub name: LimitName,
    /// Which of its keys.
    pub key: FlowKey,
    /// How many slots each key has. What came last holds, for all runs under this name.
    pub rule: Concurrency,
}

/// Whose turn it is: the runs of each key wait in a line of their own, and the lines take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fair {
    /// Whose run it is.
    pub key: FlowKey,
    /// How many runs of its line go at each turn, at least 1.
    pub weight: u32,
}
