//! What is wrong with limits that several jobs share.

use std::collections::BTreeMap;
use std::fmt;

use crate::flow::{Concurrency, RateKind, RateLimit};
use crate::job::Registration;

/// Jobs that share a limit have the same rule, for what came last holds, and the same queue, for a limit holds within one.
pub(super) fn problems(jobs: &[&'static Registration]) -> Vec<String> {
    let rates = jobs.iter().filter_map(|job| {
        let limit = job.spec.flow.rate_limit?;
        Some((limit.name, Sharing { job, rule: Rate(limit.rule).to_string() }))
    });
    let concurrencies = jobs.iter().filter_map(|job| {
        let limit = job.spec.flow.concurrency?;
        Some((limit.name, Sharing { job, rule: AtOnce(limit.rule).to_string() }))
    });
    let mut problems = told("rate limit", rates);
    problems.extend(told("concurrency limit", concurrencies));
    problems
}

/// A job that is under a limit, and the rule that it declares.
struct Sharing {
    job: &'static Registration,
    rule: String,
}

impl Sharing {
    fn name(&self) -> String {
        format!("`{}`", (self.job.type_name)())
    }
}

fn told(kind: &str, sharing: impl Iterator<Item = (&'static str, Sharing)>) -> Vec<String> {
    let mut limits: BTreeMap<&str, Vec<Sharing>> = BTreeMap::new();
    for (name, one) in sharing {
        limits.entry(name).or_default().push(one);
    }
    let mut problems = Vec::new();
    for (name, sharing) in limits {
        let (first, others) = sharing.split_first().expect("a limit is one's who declares it");
        for other in others {
            let (one, two) = (first.name(), other.name());
            if first.rule != other.rule {
                problems.push(format!(
                    "{one} and {two} share the {kind} `{name}`, but one says {}, the other {}; give both the same, or each its own `key`",
                    first.rule, other.rule
                ));
            }
            let (here, there) = (first.job.spec.queue, other.job.spec.queue);
            if here != there {
                problems.push(format!(
                    "{one} and {two} share the {kind} `{name}`, but are enqueued in `{here}` and in `{there}`, and a limit holds within one queue; give both the same queue, or each its own `key`"
                ));
            }
        }
    }
    problems
}

struct Rate(RateLimit);

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RateLimit { limit, per, kind } = self.0;
        let kind = match kind {
            RateKind::Sliding => "a sliding window",
            RateKind::TokenBucket => "a token bucket",
            RateKind::Fixed => "a fixed window",
        };
        write!(f, "{limit} in {per:?} by {kind}")
    }
}

struct AtOnce(Concurrency);

impl fmt::Display for AtOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at once", self.0.limit)
    }
}
