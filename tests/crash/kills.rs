//! Processes killed at random moments, workers and those that enqueue; and how soon others take over.

use std::ops::Range;
use std::time::{Duration, Instant};

use fastrand::Rng;
use mosquito_tests::journal::{self, Fact};
use mosquito_tests::{Fleet, Pace, Program, Seed, WorkerPlan};

use crate::jobs::Work;
use crate::store::Store;
use crate::{Trial, WORKER, on_both};

on_both!(
    what_was_enqueued_by_processes_that_are_killed_is_performed,
    the_runs_of_a_killed_worker_are_performed_again_within_three_seconds_when_so_configured,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_runs_survive_a_minute_of_random_kills_on_redis() {
    killed_at_random(Store::redis(), 100_000, Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_runs_survive_twenty_seconds_of_random_kills_on_sqlite() {
    killed_at_random(Store::sqlite(), 10_000, Duration::from_secs(20)).await;
}

/// Four workers; each one that is killed is replaced.
async fn killed_at_random(store: Store, runs: usize, time: Duration) {
    let mut trial = Trial::on(&store).await;
    let mut random = Seed::several(1)[0].begin();
    // A run that is unlucky three times is not poisonous here.
    let plan = WorkerPlan { executors: 10, max_crashes: 1_000, ..trial.plan.clone() };
    // So that the runs last about as long as the kills do.
    let pause = 2 * 40 * time.as_secs() * 1_000 / runs as u64;
    let pauses: Vec<_> = (0..runs).map(|_| random.u64(0..=pause)).collect();
    trial.enqueue(pauses.into_iter().map(|pause| Work { pause })).await;
    let begin = Instant::now();
    kill_at_random(&mut trial, &plan, 4, 100..1_500, &mut random, |_| begin.elapsed() >= time).await;
    let Trial { ledger, fleet, mosquito, .. } = &trial;
    let account = ledger.close(&format!("{}: killed at random", store.name()), fleet, mosquito).await;
    assert_eq!(account.runs, runs);
}

/// Has so many workers perform everything, of which one is killed and replaced after each pause of so many milliseconds, until it is over
/// after so many kills.
pub(crate) async fn kill_at_random(
    trial: &mut Trial,
    plan: &WorkerPlan,
    workers: usize,
    pauses: Range<u64>,
    random: &mut Rng,
    is_over: impl Fn(usize) -> bool,
) {
    let Trial { ledger, fleet, mosquito, .. } = trial;
    let mut alive: Vec<_> = (0..workers).map(|_| fleet.start(plan)).collect();
    let mut kills = 0;
    while !is_over(kills) {
        tokio::time::sleep(Duration::from_millis(random.u64(pauses.clone()))).await;
        let unlucky = random.usize(..alive.len());
        tokio::task::block_in_place(|| fleet.kill(alive[unlucky]));
        alive[unlucky] = fleet.launch(plan);
        kills += 1;
    }

    ledger.until_kept(mosquito).await;
    for worker in alive {
        fleet.wait_until_ready(worker);
        let report = tokio::task::block_in_place(|| fleet.stop(worker));
        assert_eq!((report.refused, report.unsettled), (0, 0), "it was alive all the time: {report:?}");
    }
}

async fn what_was_enqueued_by_processes_that_are_killed_is_performed(store: Store) {
    let mut trial = Trial::on(&store).await;
    let mut random = Seed::several(1)[0].begin();
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let worker = fleet.start(&WorkerPlan { executors: 20, ..plan.clone() });
    let launch = |fleet: &mut Fleet| {
        let place = fleet.launch_as(Program::at(WORKER).arg("enqueue"), plan);
        fleet.wait_until_ready(place);
        place
    };
    let mut enqueuers = [launch(fleet), launch(fleet)];

    for n in 0..20 {
        ledger.until(Fact::Enqueued, 100 * (n + 1)).await;
        tokio::time::sleep(Duration::from_millis(random.u64(0..50))).await;
        let unlucky = random.usize(..2);
        tokio::task::block_in_place(|| fleet.kill(enqueuers[unlucky]));
        enqueuers[unlucky] = launch(fleet);
    }
    for enqueuer in enqueuers {
        fleet.kill(enqueuer);
    }

    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(worker));
    let account = ledger.close(&format!("{}: enqueuers killed", store.name()), fleet, mosquito).await;
    assert_eq!(account.reruns, 0, "no worker died");
    // What was enqueued without an answer is performed, too.
    assert!(report.performed >= account.runs as u64, "{report:?} {account}");
}

async fn the_runs_of_a_killed_worker_are_performed_again_within_three_seconds_when_so_configured(
    store: Store,
) {
    let pace = Pace {
        heartbeat: Duration::from_millis(300),
        dead_after: Duration::from_millis(1_500),
        reap_every: Duration::from_millis(300),
    };
    taken_over_within(Duration::from_secs(3), store, Some(pace), Duration::from_secs(6)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runs_of_a_killed_worker_are_performed_again_within_thirty_seconds_by_default() {
    taken_over_within(Duration::from_secs(30), Store::redis(), None, Duration::from_secs(8)).await;
}

/// One of three workers is killed. Its runs are taken over in time, and the other two go on meanwhile at their pace.
async fn taken_over_within(limit: Duration, store: Store, pace: Option<Pace>, window: Duration) {
    let mut kept = Vec::new();
    // The machine may have had other things to do after the kill than before it, but not each time.
    while kept.len() < 3 && !kept.last().is_some_and(|kept| *kept >= 0.9) {
        kept.push(take_over(limit, &store, pace, window).await);
    }
    assert!(
        kept.last().is_some_and(|kept| *kept >= 0.9),
        "the share of their pace that the others kept: {kept:?}"
    );
}

/// The share of their pace that the other two keep, measured for so long before the kill, and as long after it or until
/// the runs of the killed one were taken back.
async fn take_over(limit: Duration, store: &Store, pace: Option<Pace>, window: Duration) -> f64 {
    let mut trial = Trial::on(store).await;
    let mut random = Seed::several(1)[0].begin();
    let plan = WorkerPlan { executors: 50, pace, ..trial.plan.clone() };
    // A second each in the mean, so that what a busy machine adds does not count, and each at another time, for longer than it takes.
    let runs = 110 * (2 * window + limit).as_secs();
    let pauses: Vec<_> = (0..runs).map(|_| random.u64(500..1_500)).collect();
    // Plain: what comes back with a low priority waits for others.
    trial.enqueue_plain(pauses.into_iter().map(|pause| Work { pause })).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    let workers = [10, 50, 50].map(|executors| fleet.start(&WorkerPlan { executors, ..plan.clone() }));
    ledger.until(Fact::Ended, 110).await;
    let begin = journal::now();

    tokio::time::sleep(window).await;
    let (unlucky, others) = (workers[0], [fleet.pid(workers[1]), fleet.pid(workers[2])]);
    let killed = journal::now();
    tokio::task::block_in_place(|| fleet.kill(unlucky));
    ledger.until(Fact::Rescued, 1).await;
    tokio::time::sleep(window.saturating_sub(Duration::from_millis(journal::now() - killed))).await;
    let end = journal::now();

    let ended = ledger.times(Fact::Ended);
    let pace_in = |from: u64, to: u64| {
        let by_others = ended.iter().filter(|(at, pid)| (from..to).contains(at) && others.contains(pid));
        by_others.count() as f64 / (to - from) as f64
    };
    let (before, after) = (pace_in(begin, killed), pace_in(killed, end));
    println!("pace of the others: {:.0} runs/s before, {:.0} after", before * 1_000.0, after * 1_000.0);
    ledger.until_kept(mosquito).await;
    for worker in &workers[1..] {
        let _report = tokio::task::block_in_place(|| fleet.stop(*worker));
    }
    let account =
        ledger.close(&format!("{}: taken over within {limit:?}", store.name()), fleet, mosquito).await;
    let longest = account.longest_rescue.expect("the killed one was performing runs");
    assert!(longest <= limit, "the last of its runs was begun again after {longest:?}");
    after / before
}
