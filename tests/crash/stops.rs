//! Workers that are told to stop, as `docker stop` does, while jobs do not listen.

use std::time::{Duration, Instant};

use mosquito::backend::List;
use mosquito_tests::journal::Fact;
use mosquito_tests::{Hit, WorkerPlan};
use nix::sys::signal::Signal;

use crate::jobs::{Hog, Work};
use crate::store::Store;
use crate::{Trial, on_both, standing};

/// After so long `docker stop` sends a SIGKILL.
const DOCKER_WAITS: Duration = Duration::from_secs(10);

on_both!(
    a_worker_whose_job_ignores_its_token_ends_within_its_grace_and_the_run_is_handed_back,
    a_worker_whose_job_computes_without_end_ends_within_its_grace_too,
    a_worker_whose_jobs_hold_every_thread_is_ended_soon_after_its_grace,
    a_second_signal_during_the_drain_ends_a_worker_at_once,
);

async fn a_worker_whose_job_ignores_its_token_ends_within_its_grace_and_the_run_is_handed_back(store: Store) {
    let trial = Trial::on(&store).await;
    trial.enqueue([Work { pause: 4_000 }]).await;
    stopped_in_the_middle(trial, &store, "job ignores its token", 1, false).await;
}

async fn a_worker_whose_job_computes_without_end_ends_within_its_grace_too(store: Store) {
    let trial = Trial::on(&store).await;
    trial.enqueue([Hog { pause: 4_000 }]).await;
    stopped_in_the_middle(trial, &store, "job holds its thread", 1, false).await;
}

/// Nobody is left who could hand anything back: the runs are taken back as those of a dead worker.
async fn a_worker_whose_jobs_hold_every_thread_is_ended_soon_after_its_grace(store: Store) {
    let trial = Trial::on(&store).await;
    trial.enqueue((0..2).map(|_| Hog { pause: 12_000 })).await;
    let Trial { ledger, mut fleet, mosquito, plan, .. } = trial;
    let grace = Duration::from_millis(500);
    let worker = fleet.start(&WorkerPlan { executors: 2, threads: 2, grace, ..plan.clone() });
    ledger.until(Fact::Began, 2).await;

    let begin = Instant::now();
    fleet.fault("SIGTERM", Hit::Process(fleet.pid(worker)), plan.executors);
    fleet.terminate(worker);
    let status = tokio::task::block_in_place(|| fleet.wait_for_end(worker));

    assert_eq!(status.code(), Some(128 + 15), "it ended by itself, with the signal's code");
    assert!(begin.elapsed() < DOCKER_WAITS, "it would have been killed: it took {:?}", begin.elapsed());
    let successor = fleet.start(&plan);
    ledger.until_kept(&mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(successor));
    assert_eq!(report.performed, 2, "{report:?}");
    let name = format!("{}: stopped, jobs hold every thread", store.name());
    let _account = ledger.close(&name, &fleet, &mosquito).await;
}

async fn a_second_signal_during_the_drain_ends_a_worker_at_once(store: Store) {
    let mut trial = Trial::on(&store).await;
    trial.plan.grace = Duration::from_secs(60);
    trial.enqueue([Work { pause: 4_000 }]).await;
    stopped_in_the_middle(trial, &store, "second signal", 1, true).await;
}

/// A worker is told to stop while it performs so many runs, which are handed back and performed by its successor.
async fn stopped_in_the_middle(trial: Trial, store: &Store, name: &str, runs: u64, twice: bool) {
    let Trial { ledger, mut fleet, mosquito, plan, .. } = trial;
    let grace = if twice { plan.grace } else { Duration::from_millis(1_000) };
    let worker = fleet.start(&WorkerPlan { grace, ..plan.clone() });
    ledger.until(Fact::Began, runs).await;
    // Its jobs may come to their end although their runs are handed back: until its process ends.
    fleet.fault("SIGTERM", Hit::Process(fleet.pid(worker)), plan.executors);

    let begin = Instant::now();
    fleet.terminate(worker);
    if twice {
        until_draining(&fleet, worker).await;
        fleet.worker(worker).signal(Signal::SIGTERM);
    }
    let report = tokio::task::block_in_place(|| fleet.wait_for_report(worker));
    let took = begin.elapsed();

    assert!(took < DOCKER_WAITS, "it would have been killed: it took {took:?}");
    assert_eq!((report.performed, report.failed), (0, 0), "{report:?}");
    // On a busy machine a run may be handed back before its begin, too, and be claimed again.
    assert!(report.handed_back >= runs, "{report:?}");
    assert_eq!((report.refused, report.unsettled), (0, 0), "{report:?}");
    let waiting = standing(&mosquito, List::Waiting).await;
    assert_eq!(waiting.len() as u64, runs, "they are in front of the queue again");
    for run in &waiting {
        assert_eq!((run.history.attempts, run.history.crashes), (0, 0), "that cost nothing: {run:?}");
    }
    let successor = fleet.start(&WorkerPlan { grace: Duration::from_secs(10), ..plan });
    ledger.until_kept(&mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(successor));
    assert_eq!(report.performed, runs, "{report:?}");
    let _account = ledger.close(&format!("{}: stopped, {name}", store.name()), &fleet, &mosquito).await;
}

/// Signals of one kind that come at once may count as one.
async fn until_draining(fleet: &mosquito_tests::Fleet, worker: usize) {
    mosquito_tests::soon("it drains", || async {
        let lines = fleet.worker(worker).lines();
        if lines.iter().any(|line| line == "stopping") { Ok(()) } else { Err(lines) }
    })
    .await;
}
