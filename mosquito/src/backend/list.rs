//! The four lists of a queue, and what stands in them.

use std::fmt;

use crate::clock::Timestamp;
use crate::job_run::{History, Unshown};
use crate::name::{OverseerId, RunId};

/// The four lists of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    /// To be performed as soon as possible.
    Waiting,
    /// Being performed.
    Pending,
    /// To be performed later.
    Scheduled,
    /// No longer viable.
    Dead,
}

impl List {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Pending, Self::Scheduled, Self::Dead];
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Dead => "dead",
        })
    }
}

/// How many runs stand in each list of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the list of its name")]
pub struct Sizes {
    pub waiting: usize,
    pub pending: usize,
    pub scheduled: usize,
    pub dead: usize,
}

impl Sizes {
    /// Those of one list.
    ///
    /// ```
    /// use mosquito::backend::{List, Sizes};
    ///
    /// assert_eq!(Sizes { scheduled: 3, ..Sizes::default() }.of(List::Scheduled), 3);
    /// ```
    #[must_use]
    pub fn of(&self, list: List) -> usize {
        match list {
            List::Waiting => self.waiting,
            List::Pending => self.pending,
            List::Scheduled => self.scheduled,
            List::Dead => self.dead,
        }
    }

    /// All runs of the queue.
    #[must_use]
    pub fn total(&self) -> usize {
        self.waiting + self.pending + self.scheduled + self.dead
    }
}

/// A run as it stands in a store.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Its id.
    pub id: RunId,
    /// The list it stands in.
    pub list: List,
    /// Since when it is pending or dead, or when it is due; nothing for a waiting one.
    pub at: Option<Timestamp>,
    /// Who claimed it, when it is pending.
    pub overseer: Option<OverseerId>,
    /// The envelope's bytes.
    pub envelope: Vec<u8>,
    /// What became of its attempts, not counting one that is under way.
    pub history: History,
}

impl fmt::Debug for StoredRun {
    /// Without the arguments, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRun")
            .field("id", &self.id)
            .field("list", &self.list)
            .field("at", &self.at)
            .field("overseer", &self.overseer)
            .field("envelope", &Unshown(self.envelope.len()))
            .field("history", &self.history)
            .finish()
    }
}
