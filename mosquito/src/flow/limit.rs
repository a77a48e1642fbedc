//! How many runs are performed at once, and whose turn it is.

use std::fmt;

use super::FlowKey;

/// The name of a limit within a queue: that of the job it is declared by, or the `key` that several jobs share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitName(String);

impl LimitName {
    /// A name, of the alphabet of job names.
    ///
    /// # Errors
    ///
    /// When no limit can have that name.
    pub fn new(name: impl AsRef<str>) -> Result<Self, crate::name::NameError> {
        crate::name::JobName::new(name).map(|name| Self(name.as_str().to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// So many runs are performed at once, of each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Concurrency {
    /// How many, at least 1.
    pub limit: u32,
}

/// That a run takes a slot of a limit while it is pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrencyUse {
    /// Which limit.
    pub name: LimitName,
    /// Which of its keys.
    pub key: FlowKey,
    /// How many slots each key has. What came last holds, for all runs under this name.
    pub rule: Concurrency,
}

/// Whose turn it is: the runs of each key wait in a line of their own, and the lines take turns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fair {
    /// Whose run it is.
    pub key: FlowKey,
    /// How many runs of its line go at each turn, at least 1.
    pub weight: u32,
}
