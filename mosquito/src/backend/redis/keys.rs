//! Where everything stands in Redis.
//!
//! All keys of a queue share the hash tag `{queue}`, so that they stand in one slot of a cluster and one
//! script can touch them all. The [tag](super::tag) of a partition says more than its name.

use super::tag;
use crate::backend::Notebook;
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
    /// Sorted set of one score, of what waits outside of `waiting`: lane, blank, place in hex, blank, id.
    Lanes,
    /// Sorted set of the lanes that can be claimed from, by level times 2⁴⁴ plus turn; those without a key have turn 0.
    Ready,
    /// Hash: lane with a key → `ready`, `blocked` or `parked`, its turn in hex, and until when or at which slot.
    Standing,
    /// Sorted set of blocked lanes, `turn/lane`, by the time in ms until when.
    Blocked,
    /// Sorted set of one score, of parked lanes: `limit/key/turn/lane`, or `=job/turn/lane` while that job is paused.
    Parked,
    /// Sorted set of one score, of the slots that are taken: `limit/key/id`.
    Slots,
    /// Hash: `rate/limit` → `kind:limit:ms`, `concurrency/limit` → how many slots each key has.
    Rules,
    /// Hash: `limit/key` → what a rate limit remembers of it: `kind ms time:count,…`.
    Rates,
    /// Hash: unique key → when it ends in ms or 0, blank, the run that has it.
    Unique,
    /// Hash: id → `-` when the run does not wait, `+` in `waiting`, else its latest place in `lanes`; blank, its lane, blank, what it has in
    /// common with others of that as JSON; a new line, and of its own `expires,weight,unique key`.
    Flows,
    /// Hash: whose turn it is. It is there from the first run with a flow on.
    Turns,
    /// Sorted set of what can be forgotten, `r/` and an entry of `rates` or `u/` and one of `unique`, by the time in ms from when on.
    Fading,
    /// Hash: paused job → until and since when and words, as [`Paused`](Self::Paused); until all lanes that it parked are ready again.
    Jobs,
}

impl Key {
    pub(super) const ALL: [Self; 28] = [
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
        Self::Held,
        Self::Wake,
        Self::Due,
        Self::Barrier,
        Self::Lanes,
        Self::Ready,
        Self::Standing,
        Self::Blocked,
        Self::Parked,
        Self::Slots,
        Self::Rules,
        Self::Rates,
        Self::Unique,
        Self::Flows,
        Self::Turns,
        Self::Fading,
        Self::Jobs,
    ];

    /// What a script that moves runs with a flow takes behind its own, in the order of `scripts/flow.lua`.
    pub(super) const FLOW: [Self; 13] = [
        Self::Lanes,
        Self::Ready,
        Self::Standing,
        Self::Blocked,
        Self::Parked,
        Self::Slots,
        Self::Rules,
        Self::Rates,
        Self::Unique,
        Self::Flows,
        Self::Turns,
        Self::Fading,
        Self::Jobs,
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
            Self::Held => "held",
            Self::Wake => "wake",
            Self::Due => "due",
            Self::Barrier => "barrier",
            Self::Lanes => "lanes",
            Self::Ready => "ready",
            Self::Standing => "standing",
            Self::Blocked => "blocked",
            Self::Parked => "parked",
            Self::Slots => "slots",
            Self::Rules => "rules",
            Self::Rates => "rates",
            Self::Unique => "unique",
            Self::Flows => "flows",
            Self::Turns => "turns",
            Self::Fading => "fading",
            Self::Jobs => "jobs",
        }
    }

    /// What `TYPE` answers for it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Waiting | Self::Wake | Self::Due => "list",
            Self::Pending | Self::Scheduled | Self::Dead | Self::Owners => "zset",
            Self::Lanes | Self::Ready | Self::Blocked | Self::Parked | Self::Slots | Self::Fading => "zset",
            Self::Runs | Self::History | Self::Cancelled | Self::Tickets | Self::Schedules => "hash",
            Self::Standing | Self::Rules | Self::Rates | Self::Unique | Self::Flows | Self::Turns => "hash",
            Self::Jobs => "hash",
            Self::Paused | Self::Held | Self::Barrier => "string",
        }
    }
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    pub(super) fn of(&self, queue: &QueueName, key: Key) -> String {
        format!("{}:{{{}}}:{}", self.prefix, tag::of(queue), key.name())
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
            Notebook::Overseers => format!("{}:overseers", self.prefix),
            Notebook::Job(job) => format!("{}:{{meta:{job}}}", self.prefix),
        }
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
