//! What a runner did.

use std::fmt;
use std::sync::atomic::Ordering;

use crate::runners::Tally;

/// What a runner did, from its start to its end. Each attempt counts once, when the store has taken note of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Runs that succeeded.
    pub performed: u64,
    /// Attempts that failed, panicked or timed out; whether the run is tried again or dead.
    pub failed: u64,
    /// Runs that their jobs dropped.
    pub discarded: u64,
    /// Runs that somebody cancelled while they were performed.
    pub cancelled: u64,
    /// Attempts that were put off without being used up: snoozed, or of a job unknown here.
    pub put_off: u64,
    /// Runs that the stop interrupted, and that stand in front of `waiting` again.
    pub handed_back: u64,
    /// Attempts whose run had been taken back or deleted meanwhile, so that what became of them counts for nothing.
    pub refused: u64,
    /// Attempts whose end the store could not be told before leaving: their runs are taken back by another process.
    pub unsettled: u64,
    /// Attempts that went on long after their token had fired; each of them counts above as well, if it ended.
    pub stuck: u64,
}

impl Report {
    pub(super) fn of(tally: &Tally) -> Self {
        Self {
            performed: tally.performed.load(Ordering::Relaxed),
            failed: tally.failed.load(Ordering::Relaxed),
            discarded: tally.discarded.load(Ordering::Relaxed),
            cancelled: tally.cancelled.load(Ordering::Relaxed),
            put_off: tally.put_off.load(Ordering::Relaxed),
            handed_back: tally.handed_back.load(Ordering::Relaxed),
            refused: tally.refused.load(Ordering::Relaxed),
            unsettled: tally.unsettled.load(Ordering::Relaxed),
            stuck: tally.stuck.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "performed {}, failed {}, handed back {}", self.performed, self.failed, self.handed_back)?;
        for (count, what) in [
            (self.discarded, "discarded"),
            (self.cancelled, "cancelled"),
            (self.put_off, "put off"),
            (self.refused, "refused"),
            (self.unsettled, "unsettled"),
            (self.stuck, "stuck"),
        ] {
            if count > 0 {
                write!(f, ", {what} {count}")?;
            }
        }
        Ok(())
    }
}
