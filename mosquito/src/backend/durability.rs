//! How safe an enqueue has to be before it is answered, and how safe it came to be.

use std::fmt;
use std::time::Duration;

/// How safe runs have to be before their enqueue is answered, beyond what the store does for each.
///
/// It makes losses rarer, and none impossible: each level says what can still lose a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// As safe as the store makes every enqueue. On Redis that is its master's memory, and what `appendfsync` says: with
    /// `everysec`, a power cut loses up to the last second; a failover what the replica has not got. SQLite syncs each
    /// enqueue to its disk.
    #[default]
    Memory,
    /// So many replicas have it in memory, within a time that is counted from the answer of the master; up to a minute.
    /// A time of zero asks how many have it already.
    ///
    /// Lost are runs of which the master and all those replicas die, and those that a failover passes over because it
    /// promotes another replica.
    Replicas(usize, Duration),
    /// The log of the server it was sent to, or the file, is synced; waited for up to 5 s. On Redis that takes 7.2, whose
    /// `WAITAOF` tells; or, on an older one, `appendonly yes` and `appendfsync always`, and a user that may ask for both.
    ///
    /// Lost are runs of which that disk is lost, and those that a failover passes over: its replicas may not have them.
    Fsync,
}

impl Durability {
    /// The longest that replicas are waited for.
    pub const LONGEST: Duration = Duration::from_secs(60);

    /// How long an answer is waited for. Never zero, which Redis takes for ever.
    #[cfg(feature = "redis")]
    pub(crate) fn patience(self) -> Duration {
        match self {
            Self::Memory => Duration::ZERO,
            Self::Replicas(_, within) => within.clamp(Duration::from_millis(1), Self::LONGEST),
            Self::Fsync => Duration::from_secs(5),
        }
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("in the store's memory"),
            Self::Replicas(1, within) => write!(f, "on 1 replica within {within:?}"),
            Self::Replicas(count, within) => write!(f, "on {count} replicas within {within:?}"),
            Self::Fsync => f.write_str("synced to a disk"),
        }
    }
}

/// What a store says of the durability that was asked of it.
///
/// ```
/// use mosquito::{Durability, backend::Met};
///
/// let met = Met::short_of(Durability::Fsync, "its log is off");
/// assert!(!met.is_met());
/// assert_eq!(met.shortfall(), Some("its log is off"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it may not be what was asked for"]
pub struct Met {
    wanted: Durability,
    shortfall: Option<String>,
}

impl Met {
    /// It is as safe as was asked.
    pub fn fully(wanted: Durability) -> Self {
        Self { wanted, shortfall: None }
    }

    /// It is in the store, but less safe than was asked, or nobody can tell; for this reason.
    pub fn short_of(wanted: Durability, shortfall: impl Into<String>) -> Self {
        Self { wanted, shortfall: Some(shortfall.into()) }
    }

    /// What was asked for.
    #[must_use]
    pub fn wanted(&self) -> Durability {
        self.wanted
    }

    /// Whether it is as safe as was asked.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.shortfall.is_none()
    }

    /// What is lacking, in a few words.
    #[must_use]
    pub fn shortfall(&self) -> Option<&str> {
        self.shortfall.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Durability;

    #[test]
    #[cfg(feature = "redis")]
    fn no_wait_is_for_ever() {
        let patience = |within| Durability::Replicas(1, within).patience();

        assert_eq!(patience(Duration::ZERO), Duration::from_millis(1));
        assert_eq!(patience(Duration::MAX), Durability::LONGEST);
        assert_eq!(patience(Duration::from_millis(70)), Duration::from_millis(70));
    }

    #[test]
    fn each_level_reads_as_a_part_of_a_sentence() {
        let second = Duration::from_secs(1);

        assert_eq!(Durability::Replicas(1, second).to_string(), "on 1 replica within 1s");
        assert_eq!(Durability::Replicas(2, second).to_string(), "on 2 replicas within 1s");
        assert_eq!(Durability::Fsync.to_string(), "synced to a disk");
    }
}
