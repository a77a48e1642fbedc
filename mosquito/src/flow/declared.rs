//! What a job declares of how its runs flow.

use std::time::Duration;

use super::{Concurrency, LimitName, OnConflict, Priority, RateLimit, Until};

/// What a job declares of how its runs flow, but for whose each run is: that is worked out of its arguments, by
/// [`Job::flow`](crate::Job::flow).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FlowSpec {
    /// Which runs of its queue go before its own.
    pub priority: Priority,
    /// At most one run of a key, for some time.
    pub unique: Option<UniqueSpec>,
    /// So many runs start in a time.
    pub rate_limit: Option<RateSpec>,
    /// So many runs are performed at once.
    pub concurrency: Option<ConcurrencySpec>,
    /// A run that has waited longer for its first attempt is not performed any more.
    pub expires: Option<Duration>,
}

/// How a job is unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UniqueSpec {
    /// When the next run of a key may come.
    pub until: Until,
    /// What becomes of one that comes before.
    pub on_conflict: OnConflict,
}

/// How a job's rate is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateSpec {
    /// The name of the limit in its queue: the job's, unless several jobs share one.
    pub name: &'static str,
    /// As how many runs each counts, where its arguments say nothing else.
    pub weight: u32,
    /// The limit.
    pub rule: RateLimit,
}

/// How many runs of a job are performed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencySpec {
    /// The name of the limit in its queue: the job's, unless several jobs share one.
    pub name: &'static str,
    /// The limit.
    pub rule: Concurrency,
}

impl FlowSpec {
    /// That of a job that declares nothing.
    pub const PLAIN: Self =
        Self { priority: Priority::NORMAL, unique: None, rate_limit: None, concurrency: None, expires: None };

    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<String> {
        let Self { unique, rate_limit, concurrency, expires, .. } = self;
        let names = rate_limit.map(|limit| limit.name).into_iter().chain(concurrency.map(|limit| limit.name));
        let names = names.filter_map(|name| LimitName::new(name).err()).map(|why| why.to_string());
        let rules = [
            rate_limit.and_then(|limit| limit.rule.problem()),
            concurrency.and_then(|limit| limit.rule.problem()),
            unique.and_then(|unique| unique.until.problem()),
            super::expiry_problem(*expires),
        ];
        names.chain(rules.into_iter().flatten().map(str::to_owned)).collect()
    }
}
