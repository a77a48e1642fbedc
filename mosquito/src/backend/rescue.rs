//! Taking runs back from overseers that died.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::name::RunId;

/// Which runs to take back, and what to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// An overseer that did not beat for so long has died.
    pub dead_after: Duration,
    /// A run that saw so many processes die is banished as poisoned.
    pub max_crashes: u32,
    /// The most runs to take back in this call.
    pub at_most: usize,
    /// By the store's clock, when it is too late for this call, which then takes nothing back. A store that hung let nobody
    /// beat, and does this call together with all the beats that were sent meanwhile, in any order.
    pub not_after: Option<Timestamp>,
}

/// The answer to a rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescued {
    /// The runs that went to the front of `waiting`.
    pub rescued: Vec<RunId>,
    /// The runs that were banished, because too many processes died with them.
    pub poisoned: Vec<RunId>,
    /// The runs that are gone, because somebody had [cancelled](crate::backend::Backend::cancel) them.
    pub cancelled: Vec<RunId>,
    /// Whether the call stopped at its bound: there may be more.
    pub more: bool,
    /// The store's time, when it was too late for this call.
    pub late: Option<Timestamp>,
}

impl Rescued {
    /// How many runs were taken from the dead.
    #[must_use]
    pub fn total(&self) -> usize {
        self.rescued.len() + self.poisoned.len() + self.cancelled.len()
    }
}

impl Rescue {
    /// The answer when it is too late for this call.
    pub(crate) fn too_late(&self, now: Timestamp) -> Option<Rescued> {
        let late = self.not_after.is_some_and(|limit| limit < now).then_some(now)?;
        Some(Rescued { late: Some(late), ..Rescued::default() })
    }
}

/// What a rescued run's history says of the attempt that did not end.
pub(crate) const DIED: &str = "its process died while it performed this run";

/// What a poisoned run's history says.
pub(crate) fn poisoned_reason(crashes: u32) -> String {
    format!("poisoned: {crashes} processes died while they performed it")
}
