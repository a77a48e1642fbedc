//! Points at which a process kills itself: just before or just after a call of its store.
//!
//! Before: nothing of the call has happened, but whoever called was determined to. After: the store has done it, and nobody
//! here has heard so. Between those two a call is the store's, which is atomic or is not; that is for the contract
//! suite, and for killing the store.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::journal::{Fact, Journal};

/// A call of the store, as fail points tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the call of its name")]
pub enum Operation {
    Enqueue,
    Claim,
    /// A settlement of any fate.
    Settle,
    /// A settlement with a run that is done.
    Forget,
    /// A settlement with a run that is to be tried again, or was put off.
    Reschedule,
    /// A settlement with a run that is given up.
    Banish,
    /// A settlement with a run that the end of its process interrupts.
    HandBack,
    Promote,
    LastTick,
    Tick,
    Beat,
    Rescue,
    Recall,
    Queues,
    Prune,
    Lead,
    Resign,
    Wait,
    Separate,
}

/// On which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The store has not heard of it.
    Before,
    /// The store has answered. Only calls that did something count: a claim that got runs, a promotion that moved some.
    After,
}

/// Where a process is to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FailPoint {
    /// At which call.
    pub operation: Operation,
    /// On which side of it.
    pub side: Side,
    /// At the how many-th such call of the process, from 1.
    pub nth: u32,
}

impl FailPoint {
    /// Before the first such call.
    #[must_use]
    pub fn before(operation: Operation) -> Self {
        Self { operation, side: Side::Before, nth: 1 }
    }

    /// After the first such call that did something.
    #[must_use]
    pub fn after(operation: Operation) -> Self {
        Self { operation, side: Side::After, nth: 1 }
    }

    /// At a later such call.
    #[must_use]
    pub fn nth(self, nth: u32) -> Self {
        Self { nth, ..self }
    }
}

impl fmt::Display for FailPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(f, "{side} {:?} {}", self.operation, self.nth)
    }
}

/// The fail point of one process, if it has one, and how near it is.
#[derive(Debug)]
pub(crate) struct Countdown {
    point: Option<FailPoint>,
    passed: AtomicU32,
}

impl Countdown {
    pub(crate) fn new(point: Option<FailPoint>) -> Self {
        Self { point, passed: AtomicU32::new(0) }
    }

    /// Passes one side of a call, or dies there.
    pub(crate) fn pass(&self, side: Side, operations: &[Operation], journal: &Journal) {
        let Some(point) = self.point else { return };
        if point.side == side
            && operations.contains(&point.operation)
            && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == point.nth
        {
            die(journal);
        }
    }
}

/// Ends this process as a power cut would, with a note of it.
///
/// # Panics
///
/// When there is no such signal.
pub fn die(journal: &Journal) -> ! {
    journal.note(Fact::Died, "-", Signal::SIGKILL as u64);
    kill(Pid::this(), Signal::SIGKILL).expect("a process can be killed by itself");
    unreachable!("nothing survives this signal")
}
