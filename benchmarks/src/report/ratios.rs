//! What mosquito is compared with in one number.

use crate::contestants::Acks;
use crate::figures::{BEST, Bench};

/// The pace of a contestant at its best number of executors.
fn best(bench: &Bench, name: &str) -> Option<f64> {
    let executors = bench.results.median(BEST, name)?;
    bench.results.median(&format!("drain/{executors}"), name)
}

/// A line for each, if both of its sides were measured.
pub(crate) fn lines(bench: &Bench) -> Vec<String> {
    let facts = bench.contestants.iter().map(|contestant| contestant.facts());
    let fastest = facts
        .filter(|facts| facts.acks == Acks::Yes && facts.name != "mosquito")
        .filter_map(|facts| Some((facts.name, best(bench, facts.name)?)))
        .max_by(|(_, one), (_, other)| one.total_cmp(other));
    let median = |metric: &str, name: &str| bench.results.median(metric, name);
    let length = median("enqueue/64/length", "redis-benchmark").unwrap_or_default();
    [
        fastest.and_then(|(name, pace)| {
            let ours = best(bench, "mosquito")?;
            Some(format!("Drain, each at its best: {:.1} × the fastest peer that acknowledges, {name}", ours / pace))
        }),
        part(median("enqueue/64", "mosquito"), median("enqueue/64", "redis-benchmark"), |part| {
            format!("64 enqueues at a time: {part:.0} % of `redis-benchmark -c 64` with `LPUSH` of {length:.0} bytes")
        }),
        part(median("enqueue/one", "mosquito"), median("enqueue/one", "bare EVALSHA"), |part| {
            format!("One enqueue at a time: {part:.0} % of a bare `EVALSHA` loop of a script that does the same")
        }),
        part(median("enqueue/one", "mosquito"), median("enqueue/one", "raw Redis"), |part| {
            format!("One enqueue at a time: {part:.0} % of a bare `LPUSH` loop")
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn part(ours: Option<f64>, limit: Option<f64>, told: impl Fn(f64) -> String) -> Option<String> {
    Some(told(100.0 * ours? / limit?))
}
