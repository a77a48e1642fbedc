//! Taking runs back from overseers that died.

use std::time::Duration;

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
}

/// The answer to a rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescued {
    /// The runs that went to the front of `waiting`.
    pub rescued: Vec<RunId>,
    /// The runs that were banished, because too many processes died with them.
    pub poisoned: Vec<RunId>,
    /// Whether the call stopped at its bound: there may be more.
    pub more: bool,
}

/// What a rescued run's history says of the attempt that did not end.
pub(crate) const DIED: &str = "its process died while it performed this run";

/// What a poisoned run's history says.
pub(crate) fn poisoned_reason(crashes: u32) -> String {
    format!("poisoned: {crashes} processes died while they performed it")
}
