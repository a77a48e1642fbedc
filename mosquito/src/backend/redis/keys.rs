//! Where everything stands in Redis.
//!
//! All keys of a queue share the hash tag `{queue}`, so that they stand in one slot of a cluster and one
//! script can touch them all.

use crate::name::{OverseerId, QueueName};

/// The first part of every key, unless the client chooses another.
pub const DEFAULT_PREFIX: &str = "mosquito";

#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

/// What stands under a key of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// List of ids; the front is on the right.
    Waiting,
    /// Sorted set of claims, by overseer, ticket and position.
    Pending,
    /// Sorted set of ids, by due time in ms.
    Scheduled,
    /// Sorted set of ids, by time of death in ms.
    Dead,
    /// Hash: id → envelope.
    Runs,
    /// Hash: id → history, of runs that were attempted.
    History,
    /// Hash: id → the claim on it, of runs that are pending and were cancelled.
    Cancelled,
    /// Sorted set of overseers with a lease, by their last beat in ms; -1 when condemned.
    Owners,
    /// Hash: overseer with a lease → the ticket that made it, space, the latest that got runs.
    Tickets,
    /// Hash: job → its last tick in ms and that tick's run.
    Schedules,
    /// Text that expires when the pause ends: that time in ms, or 0.
    Paused,
    /// List with one item while there is work that nobody was woken for.
    Wake,
    /// List with one item when a run became the first to be due.
    Due,
    /// Text that is written to have something to wait for, and expires.
    Barrier,
}

impl Key {
    pub(super) const ALL: [Self; 14] = [
        Self::Waiting,
        Self::Pending,
        Self::Scheduled,
        Self::Dead,
        Self::Runs,
        Self::History,
        Self::Cancelled,
        Self::Owners,
        Self::Tickets,
        Self::Schedules,
        Self::Paused,
        Self::Wake,
        Self::Due,
        Self::Barrier,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Dead => "dead",
            Self::Runs => "runs",
            Self::History => "history",
            Self::Cancelled => "cancelled",
            Self::Owners => "owners",
            Self::Tickets => "tickets",
            Self::Schedules => "schedules",
            Self::Paused => "paused",
            Self::Wake => "wake",
            Self::Due => "due",
            Self::Barrier => "barrier",
        }
    }

    /// What `TYPE` answers for it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Waiting | Self::Wake | Self::Due => "list",
            Self::Pending | Self::Scheduled | Self::Dead | Self::Owners => "zset",
            Self::Runs | Self::History | Self::Cancelled | Self::Tickets | Self::Schedules => "hash",
            Self::Paused | Self::Barrier => "string",
        }
    }
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    pub(super) fn of(&self, queue: &QueueName, key: Key) -> String {
        format!("{}:{{{queue}}}:{}", self.prefix, key.name())
    }

    /// Set of the queues that were used.
    pub(super) fn queues(&self) -> String {
        format!("{}:queues", self.prefix)
    }

    /// Text: the time in ms, on a clock that is not the server's.
    pub(super) fn clock(&self) -> String {
        format!("{}:clock", self.prefix)
    }

    /// List with one item when an overseer was called, which expires.
    pub(super) fn ear(&self, overseer: &OverseerId) -> String {
        format!("{}:ear:{overseer}", self.prefix)
    }

    /// Hash of the leader, the end of its lease and its epoch.
    pub(super) fn leader(&self) -> String {
        format!("{}:leader", self.prefix)
    }
}
