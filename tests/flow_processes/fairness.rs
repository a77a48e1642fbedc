//! The small beside the big.

use std::time::Duration;

use mosquito::{Fair, Flow, FlowKey};
use mosquito_tests::journal;

use crate::Trial;

const SMALL_TENANTS: usize = 1_000;
const RUNS_OF_EACH: usize = 3;

/// How many runs the big tenant has; a million by `MOSQUITO_TEST_BIG_TENANT=1000000`, in a release build.
fn big_tenant() -> usize {
    std::env::var("MOSQUITO_TEST_BIG_TENANT").ok().and_then(|runs| runs.parse().ok()).unwrap_or(20_000)
}

fn of_tenant(tenant: &str) -> Flow {
    let key = FlowKey::readable(&(tenant,)).expect("text serializes");
    Flow { fair: Some(Fair { key, weight: 1 }), ..Flow::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_with_very_many_runs_does_not_delay_those_with_few() {
    let _alone = crate::ALONE.lock().await;
    let alone = wait_of_the_small(0).await;
    let beside = wait_of_the_small(big_tenant()).await;

    println!(
        "{SMALL_TENANTS} tenants with {RUNS_OF_EACH} runs each: p99 of the wait {alone:?}, beside one with {} runs {beside:?}",
        big_tenant()
    );
    let bound = alone * 2 + Duration::from_millis(500);
    assert!(beside <= bound, "{beside:?} beside the big one, {alone:?} without it");
}

/// The 99th percentile of what the runs of the small tenants wait, from the start of the workers.
async fn wait_of_the_small(big: usize) -> Duration {
    let mut trial = Trial::new().await;
    trial.enqueue((0..big).map(|n| (format!("big-{n}"), of_tenant("big"))), Duration::ZERO).await;
    let small = (0..SMALL_TENANTS * RUNS_OF_EACH)
        .map(|n| (format!("small-{n}"), of_tenant(&format!("{}", n % SMALL_TENANTS))));
    trial.enqueue(small, Duration::ZERO).await;
    let plan = mosquito_tests::WorkerPlan { executors: 20, ..trial.plan.clone() };

    let begin = journal::now();
    let workers = [trial.fleet.start(&plan), trial.fleet.start(&plan)];
    let small_begins = || trial.ledger.first_begins(|id| id.starts_with("small-"));
    let small_done = || async {
        let begun = small_begins().len();
        if begun == SMALL_TENANTS * RUNS_OF_EACH { Ok(()) } else { Err(begun) }
    };
    mosquito_tests::eventually("the small ones begin", Duration::from_secs(180), small_done).await;
    for worker in workers {
        trial.fleet.kill(worker);
    }
    let begins = small_begins();
    Duration::from_millis(begins[begins.len() * 99 / 100] - begin)
}
