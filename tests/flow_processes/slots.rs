//! So many at once, over processes that are killed.

use std::collections::BTreeMap;
use std::time::Duration;

use mosquito::backend::Used;
use mosquito::{Concurrency, ConcurrencyUse, Flow, FlowKey, LimitName, QueueName};
use mosquito_tests::Seed;
use mosquito_tests::journal::Fact;

use crate::Trial;

const TENANTS: usize = 3;
const AT_ONCE: u32 = 3;
const RUNS_OF_EACH: usize = 150;

fn key(tenant: usize) -> FlowKey {
    FlowKey::readable(&(tenant,)).expect("a number serializes")
}

fn limit() -> LimitName {
    LimitName::new("letters").expect("a name")
}

fn flow(tenant: usize) -> Flow {
    let rule = Concurrency { limit: AT_ONCE };
    Flow { concurrency: Some(ConcurrencyUse { name: limit(), key: key(tenant), rule }), ..Flow::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_each_tenant_three_are_performed_at_once_however_many_workers_are_killed() {
    let _alone = crate::ALONE.lock().await;
    let mut random = Seed::several(1)[0].begin();
    let mut trial = Trial::new().await;
    let runs = (0..TENANTS * RUNS_OF_EACH).map(|n| (format!("{}-{n}", n % TENANTS), flow(n % TENANTS)));
    trial.enqueue(runs, Duration::from_millis(40)).await;

    let mut workers: Vec<_> = (0..4).map(|_| trial.fleet.start(&trial.plan)).collect();
    let kills = 4;
    for kill in 1..=kills {
        let so_far = (kill * TENANTS * RUNS_OF_EACH / (kills + 1)) as u64;
        trial.ledger.until(Fact::Ended, so_far).await;
        let unlucky = random.usize(0..workers.len());
        trial.fleet.kill(workers[unlucky]);
        workers[unlucky] = trial.fleet.start(&trial.plan);
    }
    trial.ledger.until_kept(&trial.mosquito).await;
    for worker in workers {
        trial.fleet.stop(worker);
    }
    let Trial { ledger, fleet, mosquito, .. } = &trial;
    let account = ledger.close("redis: three at once of each tenant", fleet, mosquito).await;

    assert!(account.rescues > 0, "somebody was killed in the middle: {account}");
    let most = most_at_once(&trial);
    assert!(most.values().all(|most| *most <= AT_ONCE as usize), "at once, of each tenant: {most:?}");
    assert!(most.values().any(|most| *most == AT_ONCE as usize), "the limit was reached: {most:?}");
    let queue = QueueName::new("work").expect("a name");
    for tenant in 0..TENANTS {
        let report = mosquito.backend().limit(&queue, &limit(), &key(tenant)).await.expect("it is answered");
        assert_eq!(report.concurrency, Some(Used { used: 0, limit: AT_ONCE }), "of tenant {tenant}");
    }
}

/// The most runs of each tenant that were begun and neither ended nor killed, at any moment.
fn most_at_once(trial: &Trial) -> BTreeMap<String, usize> {
    let mut moments: Vec<(u64, i32, String)> = Vec::new();
    for span in trial.ledger.spans(trial.fleet.faults()) {
        let tenant = span.id.split('-').next().expect("an id names its tenant").to_owned();
        moments.push((span.from, 1, tenant.clone()));
        moments.push((span.to, -1, tenant));
    }
    // What ends in the same millisecond ends before.
    moments.sort();
    let (mut now, mut most) = (BTreeMap::<String, i32>::new(), BTreeMap::new());
    for (_, change, tenant) in moments {
        let at_once = now.entry(tenant.clone()).or_default();
        *at_once += change;
        let so_far: &mut usize = most.entry(tenant).or_default();
        *so_far = (*so_far).max(usize::try_from(*at_once).unwrap_or_default());
    }
    most
}
