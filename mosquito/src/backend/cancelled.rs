//! What becomes of a run that somebody cancels.

use std::fmt;

use crate::name::OverseerId;

/// What became of one run that was to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cancelled {
    /// It waited or was scheduled, and is gone.
    Removed,
    /// This overseer has claimed it. It is marked: its token fires, and it is gone when its attempt ends, however that is.
    Running(OverseerId),
    /// It is dead, and stays as it is.
    Dead,
    /// The queue holds no run of that id, or no more.
    Unknown,
}

impl Cancelled {
    /// The overseer that has claimed the run.
    #[must_use]
    pub fn overseer(&self) -> Option<&OverseerId> {
        match self {
            Self::Running(overseer) => Some(overseer),
            Self::Removed | Self::Dead | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("removed"),
            Self::Running(overseer) => write!(f, "told to end on {overseer}"),
            Self::Dead => f.write_str("dead already"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
