//! Runs that are cancelled from another process than the one that performs them, and whatever happens to that one.

use std::time::Duration;

use mosquito::backend::Cancelled;
use mosquito::{Mosquito, RunId};
use mosquito_tests::journal::{self, Fact};
use mosquito_tests::{CrashLedger, Direction, Proxy, Traffic, WorkerPlan, flow_of, soon};

use crate::jobs::{Heeding, Work};
use crate::store::Store;
use crate::{Trial, on_both};

on_both!(
    a_run_that_is_cancelled_from_another_process_is_told_within_a_second,
    a_cancelled_run_of_a_killed_worker_is_not_performed_again,
);

/// Within which time a token fires. What a busy machine adds is in the worst of several, and not in the median.
const PROMISED: Duration = Duration::from_secs(1);

async fn enqueue<J: mosquito::Job>(mosquito: &Mosquito, job: J) -> RunId {
    let id = RunId::random();
    let flow = flow_of(&id).unwrap_or_default();
    let enqueue = mosquito.enqueue(job).id(id.clone()).flow(|its| *its = flow);
    assert!(enqueue.await.expect("it is enqueued").is_new(), "nothing keeps it away");
    id
}

async fn cancel(mosquito: &Mosquito, id: &RunId) -> Cancelled {
    mosquito.queue("work").expect("it is a name").cancel(id).await.expect("the store answers")
}

async fn until_empty(mosquito: &Mosquito) {
    let queue = mosquito.queue("work").expect("it is a name");
    soon("nothing is left", || async {
        let sizes = queue.sizes().await.expect("the store answers");
        if sizes.total() == 0 { Ok(()) } else { Err(sizes) }
    })
    .await;
}

/// Cancels a run that is being performed, and answers how long it took until its token had fired.
async fn cancelled_within(ledger: &CrashLedger, mosquito: &Mosquito, id: &RunId) -> Duration {
    let (before, begin) = (ledger.count(Fact::Cancelled), journal::now());
    let answer = cancel(mosquito, id).await;
    assert!(matches!(answer, Cancelled::Running(_)), "it is being performed: {answer:?}");
    ledger.until(Fact::Cancelled, before + 1).await;
    let (fired, _) = *ledger.times(Fact::Cancelled).last().expect("it has fired");
    Duration::from_millis(fired.saturating_sub(begin))
}

async fn a_run_that_is_cancelled_from_another_process_is_told_within_a_second(store: Store) {
    const RUNS: usize = 9;
    let mut trial = Trial::on(&store).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    // At the pace that a runner has by default: nothing but the word can be so quick.
    let worker = fleet.start(&WorkerPlan { executors: RUNS, pace: None, ..plan.clone() });
    let mut ids = Vec::new();
    for _ in 0..RUNS {
        ids.push(enqueue(mosquito, Heeding).await);
    }
    ledger.until(Fact::Began, RUNS as u64).await;

    let mut took = Vec::new();
    for id in &ids {
        took.push(cancelled_within(ledger, mosquito, id).await);
    }

    until_empty(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));
    assert_eq!((report.cancelled, report.failed, report.refused), (RUNS as u64, 0, 0), "{report:?}");
    took.sort();
    println!(
        "{}: from cancel to token: median {:?}, worst {:?}",
        store.name(),
        took[RUNS / 2],
        took[RUNS - 1]
    );
    assert!(took[RUNS / 2] <= PROMISED, "{took:?}");
    let account = ledger.close(&format!("{}: cancelled", store.name()), fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

async fn a_cancelled_run_of_a_killed_worker_is_not_performed_again(store: Store) {
    let mut trial = Trial::on(&store).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(plan);
    let unwanted = enqueue(mosquito, Work { pause: 60_000 }).await;
    let wanted = enqueue(mosquito, Work { pause: 5_000 }).await;
    ledger.promise([&wanted]);
    ledger.until(Fact::Began, 2).await;

    let answer = cancel(mosquito, &unwanted).await;
    tokio::task::block_in_place(|| fleet.kill(worker));
    let heir = fleet.start(plan);
    ledger.until_kept(mosquito).await;

    assert!(matches!(answer, Cancelled::Running(_)), "{answer:?}");
    let begins = |id: &RunId| ledger.count_of(id, Fact::Began);
    assert_eq!((begins(&unwanted), begins(&wanted)), (1, 2), "only what is wanted is performed again");
    let report = tokio::task::block_in_place(|| fleet.stop(heir));
    assert_eq!((report.performed, report.cancelled), (1, 0), "{report:?}");
    ledger.close(&format!("{}: cancelled, then killed", store.name()), fleet, mosquito).await;
}

/// How a worker is cut off.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// Its connections are closed, and no new one is made.
    Closed,
    /// Nothing arrives until it is over, and then all of it.
    Held,
    /// Nothing arrives, and the connections never carry anything again.
    Swallowed,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_cut_off_hears_within_a_second_of_being_back_what_was_cancelled_meanwhile() {
    for cut in [Cut::Closed, Cut::Held] {
        assert_hears(cut, Duration::from_secs(3)).await;
    }
}

/// However long it lasts: too short for anything to have been tried in vain, or longer than the deadlines of whatever was tried.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_in_a_black_hole_hears_within_a_second_of_being_back_what_was_cancelled_meanwhile() {
    for millis in [300, 3_000, 6_500] {
        assert_hears(Cut::Swallowed, Duration::from_millis(millis)).await;
    }
}

async fn assert_hears(cut: Cut, lasting: Duration) {
    let took = back_from(cut, lasting).await;
    println!("redis: {cut:?} for {lasting:?} meanwhile, from back to token: {took:?}");
    assert!(took <= PROMISED, "{cut:?} for {lasting:?}: {took:?}");
}

/// How long after it is back a worker that was cut off knows that its run was cancelled. The best of three, on a machine
/// that may have other things to do.
async fn back_from(cut: Cut, lasting: Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let store = Store::redis();
        let Store::Redis(server) = &store else { unreachable!("it is a Redis") };
        let proxy = Proxy::before(server.port());
        let mut trial = Trial::on(&store).await;
        let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
        let worker = fleet.start(&WorkerPlan { store: proxy.url(), pace: None, ..plan.clone() });
        let id = enqueue(mosquito, Heeding).await;
        ledger.until(Fact::Began, 1).await;

        match cut {
            Cut::Closed => {
                proxy.refuse();
                assert!(proxy.close_all() > 0, "it was connected");
            }
            Cut::Held => both_ways(&proxy, Traffic::Hold),
            Cut::Swallowed => both_ways(&proxy, Traffic::Swallow),
        }
        assert!(matches!(cancel(mosquito, &id).await, Cancelled::Running(_)), "it is being performed");
        tokio::time::sleep(lasting).await;
        assert_eq!(ledger.count(Fact::Cancelled), 0, "it cannot know");
        let back = journal::now();
        proxy.heal();
        ledger.until(Fact::Cancelled, 1).await;
        let (fired, _) = ledger.times(Fact::Cancelled)[0];
        best = best.min(Duration::from_millis(fired.saturating_sub(back)));

        until_empty(mosquito).await;
        let report = tokio::task::block_in_place(|| fleet.stop(worker));
        assert_eq!((report.cancelled, report.failed, report.refused), (1, 0, 0), "{report:?}");
        ledger.close(&format!("redis: cancelled while {cut:?}"), fleet, mosquito).await;
        if best <= PROMISED {
            break;
        }
    }
    best
}

fn both_ways(proxy: &Proxy, traffic: Traffic) {
    for way in [Direction::ToServer, Direction::ToClient] {
        proxy.traffic(way, traffic);
    }
}
