//! The small beside the big.

use std::time::Duration;

use mosquito::{Fair, Flow, FlowKey};
use mosquito_tests::journal::{self, Fact};

use crate::Trial;

const SMALL_TENANTS: usize = 1_000;
const RUNS_OF_EACH: usize = 3;
/// How often it is measured with the big one and without it, in turn. The medians are compared, so that a moment in which the machine does
/// something else is not taken for either.
const ROUNDS: usize = 3;
/// How long a run lasts: long enough that what is short is executors, and not the machine. A machine that is too slow for its executors
/// makes everybody wait, whoever else is there.
const LASTING: Duration = Duration::from_millis(20);

/// How many runs the big tenant has; a million by `MOSQUITO_TEST_BIG_TENANT=1000000`, in a release build.
fn big_tenant() -> usize {
    std::env::var("MOSQUITO_TEST_BIG_TENANT").ok().and_then(|runs| runs.parse().ok()).unwrap_or(20_000)
}

fn of_tenant(tenant: &str) -> Flow {
    let key = FlowKey::readable(&(tenant,)).expect("text serializes");
    Flow { fair: Some(Fair { key, weight: 1 }), ..Flow::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_a_tenant_with_very_many_runs_does_not_delay_those_with_few() {
    the_big_does_not_delay_the_small("redis", Trial::new().await, Trial::new().await).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_a_tenant_with_very_many_runs_does_not_delay_those_with_few() {
    the_big_does_not_delay_the_small("sqlite", Trial::on_a_file().await, Trial::on_a_file().await).await;
}

async fn the_big_does_not_delay_the_small(store: &str, mut without: Trial, mut beside: Trial) {
    let _alone = crate::ALONE.lock().await;
    beside.enqueue((0..big_tenant()).map(|n| (format!("big-{n}"), of_tenant("big"))), LASTING).await;

    let (mut waits_without, mut waits_beside) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        waits_without.push(wait_of_the_small(&mut without, round).await);
        waits_beside.push(wait_of_the_small(&mut beside, round).await);
    }

    println!(
        "{store}: {SMALL_TENANTS} tenants with {RUNS_OF_EACH} runs each: p99 of the wait {waits_without:?}, beside one with {} runs {waits_beside:?}",
        big_tenant()
    );
    let sizes = beside.mosquito.queue("work").expect("a name").sizes().await.expect("sizes are told");
    assert!(sizes.waiting > 0, "the big one was there to the end: {sizes:?}");
    let (without, beside) = (median(waits_without), median(waits_beside));
    assert!(beside <= without * 2, "{beside:?} beside the big one, {without:?} without it");
}

/// The 99th percentile of what the runs of the small tenants wait, from before their enqueue until they begin, at workers that are
/// at work already.
async fn wait_of_the_small(trial: &mut Trial, round: usize) -> Duration {
    let plan = mosquito_tests::WorkerPlan { executors: 20, ..trial.plan.clone() };
    let workers = tokio::task::block_in_place(|| [trial.fleet.start(&plan), trial.fleet.start(&plan)]);
    let sizes = trial.mosquito.queue("work").expect("a name").sizes().await.expect("sizes are told");
    if sizes.waiting > 0 {
        let begun = trial.ledger.count(Fact::Began);
        trial.ledger.until(Fact::Began, begun + 2 * plan.executors as u64).await;
    }

    let mut put_in = Vec::new();
    for turn in 0..RUNS_OF_EACH {
        put_in.push((format!("small-{round}-{turn}-"), journal::now()));
        let (prefix, _) = &put_in[turn];
        let runs = (0..SMALL_TENANTS).map(|n| (format!("{prefix}{n}"), of_tenant(&n.to_string())));
        trial.enqueue(runs, LASTING).await;
    }
    let of_round = format!("small-{round}-");
    let all_begin = || async {
        let begun = trial.ledger.firsts(Fact::Began, |id| id.starts_with(&of_round)).len();
        if begun == SMALL_TENANTS * RUNS_OF_EACH { Ok(()) } else { Err(begun) }
    };
    mosquito_tests::eventually("the small ones begin", Duration::from_secs(180), all_begin).await;
    for worker in workers {
        let _report = tokio::task::block_in_place(|| trial.fleet.stop(worker));
    }

    let waits = put_in.into_iter().flat_map(|(prefix, at)| {
        let begins = trial.ledger.firsts(Fact::Began, |id| id.starts_with(&prefix));
        begins.into_iter().map(move |begin| begin.saturating_sub(at))
    });
    let mut waits: Vec<_> = waits.collect();
    waits.sort_unstable();
    Duration::from_millis(waits[waits.len() * 99 / 100])
}

fn median(mut waits: Vec<Duration>) -> Duration {
    waits.sort();
    waits[waits.len() / 2]
}
