//! What goes before a run, and what holds it up.

mod expiry;
mod fairness;
mod job_pauses;
mod leaks;
#[cfg(feature = "redis")]
mod leftovers;
mod priorities;
mod rates;
mod signals;
mod slots;
mod unique;

use std::time::Duration;

use mosquito::{
    Concurrency, ConcurrencyUse, Fair, Flow, FlowKey, LimitName, NewRun, Priority, RateKind, RateLimit,
    RateUse,
};

use crate::making::{ids, run};
use crate::store::Store;

/// A run for now that flows so.
fn flowing(id: &str, flow: Flow) -> NewRun {
    run(id).flowing(flow)
}

fn key(of: &str) -> FlowKey {
    FlowKey::readable(&(of,)).expect("text serializes")
}

fn limit(name: &str) -> LimitName {
    LimitName::new(name).expect("the fact gives a good name")
}

fn priority(level: u8) -> Flow {
    Flow { priority: Priority::new(level).expect("the fact gives a level"), ..Flow::default() }
}

/// The run of a tenant, in a fair line.
fn of_tenant(tenant: &str, weight: u32) -> Flow {
    Flow { fair: Some(Fair { key: key(tenant), weight }), ..Flow::default() }
}

/// So many at once of each tenant.
fn at_once(most: u32, tenant: &str) -> Flow {
    let rule = Concurrency { limit: most };
    let concurrency = ConcurrencyUse { name: limit("letters"), key: key(tenant), rule };
    Flow { concurrency: Some(concurrency), ..Flow::default() }
}

/// So many a second of each tenant.
fn a_second(kind: RateKind, most: u32, tenant: &str) -> Flow {
    let rule = RateLimit { limit: most, per: Duration::from_secs(1), kind };
    let rate = RateUse { name: limit("letters"), key: key(tenant), weight: 1, rule };
    Flow { rate: Some(rate), ..Flow::default() }
}

impl Store {
    /// Enqueues these, one after the other.
    async fn flow(&self, runs: impl IntoIterator<Item = (&str, Flow)>) {
        let runs: Vec<_> = runs.into_iter().map(|(id, flow)| flowing(id, flow)).collect();
        let enqueued = self.enqueue(&runs).await;
        assert!(enqueued.iter().all(mosquito::Enqueued::is_new), "{enqueued:?}");
    }

    /// The ids that a claim gets.
    async fn next(&self, overseer: &crate::making::Overseer, at_most: usize) -> Vec<String> {
        ids(&self.claim(overseer, at_most).await).into_iter().map(str::to_owned).collect()
    }
}
