//! Where everything stands in Redis.
//!
//! All keys of a queue share the hash tag `{queue}`, so that they stand in one slot of a cluster and one
//! script can touch them all.

use crate::backend::Notebook;
use crate::name::QueueName;

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
    /// Sorted set of overseers with a lease, by their last beat in ms; -1 when condemned.
    Owners,
    /// Hash: overseer with a lease → the ticket that made it, space, the latest that got runs.
    Tickets,
    /// Hash: job → its last tick in ms and that tick's run.
    Schedules,
    /// Text that expires when the pause ends: that time in ms, or 0, since when in ms, and words as JSON. Since and words may
    /// be missing.
    Paused,
    /// Text: what the queue was told of the pause of everything, likewise; it does not expire, and its end is 1 when it is over.
    Held,
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
        Self::Owners,
        Self::Tickets,
        Self::Schedules,
        Self::Paused,
        Self::Held,
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
            Self::Owners => "owners",
            Self::Tickets => "tickets",
            Self::Schedules => "schedules",
            Self::Paused => "paused",
            Self::Held => "held",
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
            Self::Runs | Self::History | Self::Tickets | Self::Schedules => "hash",
            Self::Paused | Self::Held | Self::Barrier => "string",
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

    /// Text: the pause of everything, as each queue is told of it. In the slot of the list of queues, whose key is the hash
    /// tag of this one; no queue has a key of this name.
    pub(super) fn everything(&self) -> String {
        format!("{}:{{{}}}:everything", self.prefix, self.queues())
    }

    /// Hash: key → note.
    pub(super) fn notes(&self, notebook: &Notebook) -> String {
        match notebook {
            Notebook::Configuration => format!("{}:configuration", self.prefix),
            Notebook::Job(job) => format!("{}:{{meta:{job}}}", self.prefix),
        }
    }

    /// Text: the time in ms, on a clock that is not the server's.
    pub(super) fn clock(&self) -> String {
        format!("{}:clock", self.prefix)
    }

    /// Hash of the leader, the end of its lease and its epoch.
    pub(super) fn leader(&self) -> String {
        format!("{}:leader", self.prefix)
    }
}
