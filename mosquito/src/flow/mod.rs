//! What goes before a run, and what holds it up: its priority, the limits it is under, what makes it unique.
//!
//! A job declares it, an enqueue may say otherwise, and a [`Flow`] carries it into the store, which keeps to it in
//! the same moves that make runs wait, be claimed and be settled: so nothing is admitted twice, and nothing leaks.

mod declared;
mod key;
mod limit;
mod partition;
mod priority;
mod rate;
mod stored;
mod unique;

use std::time::Duration;

pub(crate) use crate::name::LimitName;
pub use declared::{ConcurrencySpec, FlowSpec, RateSpec, UniqueSpec};
pub use key::{FlowKey, FlowKeyError, KeyPart, KeyParts};
pub use limit::{Concurrency, ConcurrencyUse, Fair};
pub use priority::Priority;
pub use rate::{RateKind, RateLimit, RateUse};
pub use unique::{OnConflict, Unique, Until};

pub(crate) use partition::partition_of;
pub(crate) use rate::{Admission, RateState};
#[cfg(feature = "sqlite")]
pub(crate) use stored::StoredUnique;
#[cfg(feature = "redis")]
pub(crate) use stored::is_burst;
pub(crate) use stored::{StoredFlow, StoredUntil, WHILE_RUNNING, is_unkeyed, level_of};

/// How a run flows. The default is that of a plain run: nothing goes before it but what came first, and nothing holds it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Which runs of its queue go before it.
    pub priority: Priority,
    /// At most one run of its key, for some time.
    pub unique: Option<Unique>,
    /// So many runs start in a time.
    pub rate: Option<RateUse>,
    /// So many runs are performed at once.
    pub concurrency: Option<ConcurrencyUse>,
    /// Whose turn it is, among all whose runs wait.
    pub fair: Option<Fair>,
    /// A run that has waited longer for its first attempt is not performed any more.
    pub expires: Option<Duration>,
}

impl Flow {
    /// Whether it is a plain run's, of which a store keeps nothing.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with it, if anything: such a run is not enqueued.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let rate = self.rate.as_ref().and_then(|rate| rate.rule.problem());
        let concurrency = self.concurrency.as_ref().and_then(|concurrency| concurrency.rule.problem());
        let unique = self.unique.as_ref().and_then(|unique| unique.until.problem());
        rate.or(concurrency).or(unique).or(expiry_problem(self.expires))
    }
}

fn expiry_problem(expires: Option<Duration>) -> Option<&'static str> {
    (expires? < Duration::from_millis(1))
        .then_some("a run that expires within less than 1 ms would never be performed")
}
