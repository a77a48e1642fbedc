//! Where a claimed run goes.

use std::fmt;
use std::time::Duration;

use crate::backend::ClaimToken;
use crate::job_run::History;
use crate::name::RunId;

/// What is to become of one claimed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The run.
    pub id: RunId,
    /// The claim that is settled.
    pub token: ClaimToken,
    /// Where the run goes.
    pub fate: Fate,
}

/// Where a run goes from `pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Gone.
    Forget,
    /// To `scheduled`, due after the delay, with this history.
    Reschedule {
        /// How long after the settlement it is due.
        delay: Duration,
        /// What became of its attempts, this one included.
        history: History,
    },
    /// To `dead`, with this history.
    Banish {
        /// What became of its attempts, this one included.
        history: History,
    },
    /// To the front of `waiting`, as if it had never been claimed.
    HandBack,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forget => f.write_str("gone"),
            Self::Reschedule { delay, .. } => write!(f, "scheduled in {delay:?}"),
            Self::Banish { .. } => f.write_str("dead"),
            Self::HandBack => f.write_str("waiting"),
        }
    }
}

/// Whether a settlement took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The run went where its fate said; or is gone, when it was [cancelled](crate::backend::Backend::cancel).
    Done,
    /// The claim does not stand any more: nothing changed.
    Stale,
}
