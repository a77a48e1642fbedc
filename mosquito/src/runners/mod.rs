//! The parts of a working process.
//!
//! ```text
//!                 ┌─ coordinator: due runs, periodic jobs (on one overseer at a time)
//!  overseer ──────┼─ reaper: takes the runs of dead overseers back
//!  claims runs    ├─ pulse: beats, on a thread of its own; there too the ear: hears what was cancelled, and what is stuck is seen
//!      │          ├─ queue list: which queues there are; gates: which of them may be worked on now
//!      │          └─ tuning: what operators have configured in the store
//!      v
//!  executor pool ──> executors: perform, one run each ──> outbox: what became of them, until it is written down, by the
//!                                                                next claim or by the settler
//! ```
//!
//! What they share is on one [`Desk`]. What the overseer has claimed and not yet settled is [held](held::Held): the
//! pulse keeps its leases alive, the shutdown hands it back.

mod ahead;
mod backoff;
#[cfg(feature = "testing")]
mod by_hand;
mod checkup;
mod coordinator;
mod desk;
mod ear;
mod executor;
mod gates;
mod heeding;
mod held;
mod last_chance;
mod line;
mod outbox;
mod overseer;
mod periodic;
mod places;
mod pool;
mod presence;
mod pulse;
mod queue_list;
mod reaper;
mod resting;
mod scouts;
mod settler;
mod spread;
mod stuck;
mod tally;
mod time_left;
mod tuning;

#[cfg(feature = "testing")]
pub(crate) use by_hand::{Attempted, ByHand};
pub(crate) use desk::{Desk, Settings};
pub(crate) use gates::Gates;
pub(crate) use overseer::Overseer;
pub(crate) use pool::Pool;
pub(crate) use queue_list::QueueList;
pub(crate) use tally::Tally;
