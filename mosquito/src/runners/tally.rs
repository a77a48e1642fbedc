//! Counts what became of the runs of one runner.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::job::Outcome;

/// How an attempt is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Performed,
    Failed,
    Discarded,
    Cancelled,
    PutOff,
    HandedBack,
}

impl Ending {
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Performed,
            Outcome::Discarded(_) => Self::Discarded,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Snoozed(_) | Outcome::UnknownJob => Self::PutOff,
            Outcome::Interrupted => Self::HandedBack,
            Outcome::Failed { .. } | Outcome::GivenUp(_) | Outcome::Undecodable(_) => Self::Failed,
        }
    }
}

/// The counts, each of attempts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) performed: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) discarded: AtomicU64,
    pub(crate) cancelled: AtomicU64,
    pub(crate) put_off: AtomicU64,
    pub(crate) handed_back: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) unsettled: AtomicU64,
    pub(crate) stuck: AtomicU64,
}

impl Tally {
    pub(super) fn settled(&self, ending: Ending) {
        let count = match ending {
            Ending::Performed => &self.performed,
            Ending::Failed => &self.failed,
            Ending::Discarded => &self.discarded,
            Ending::Cancelled => &self.cancelled,
            Ending::PutOff => &self.put_off,
            Ending::HandedBack => &self.handed_back,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unsettled(&self, runs: usize) {
        self.unsettled.fetch_add(runs as u64, Ordering::Relaxed);
    }

    pub(super) fn stuck(&self) {
        self.stuck.fetch_add(1, Ordering::Relaxed);
    }
}
