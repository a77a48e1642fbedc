//! Workers that stand still and do not know it, and workers that are only busy.

use mosquito_tests::journal::Fact;
use mosquito_tests::{Hit, Program, WorkerPlan};

use crate::jobs::{Heeding, Hog, Work};
use crate::store::Store;
use crate::{Trial, WORKER, on_both};

on_both!(
    a_worker_that_stood_still_beyond_its_lease_settles_nothing_and_its_tokens_fire,
    jobs_that_hold_every_thread_for_two_leases_are_not_performed_twice,
    a_worker_with_the_pid_and_host_of_a_dead_one_is_another_one,
);

async fn a_worker_that_stood_still_beyond_its_lease_settles_nothing_and_its_tokens_fire(store: Store) {
    let mut trial = Trial::on(&store).await;
    trial.enqueue((0..2).map(|_| Heeding)).await;
    trial.enqueue((0..3).map(|_| Work { pause: 5_000 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let held = fleet.start(plan);
    ledger.until(Fact::Began, 5).await;

    let fault = store.while_nobody_writes(ledger, || fleet.freeze(held));
    let other = fleet.start(plan);
    ledger.until(Fact::Rescued, 5).await;
    // Else the first one, once it goes on, might be the quicker one to claim them again.
    ledger.until(Fact::Began, 10).await;
    fleet.thaw(held, fault);
    ledger.until_kept(mosquito).await;
    ledger.until(Fact::Cancelled, 2).await;

    let [held, other] = [held, other].map(|place| tokio::task::block_in_place(|| fleet.stop(place)));
    assert_eq!(held.refused, 5, "all it held was somebody else's: {held:?}");
    assert_eq!((held.performed, held.failed), (0, 0), "none of it counts: {held:?}");
    assert_eq!((other.performed, other.refused), (5, 0), "{other:?}");
    let account = ledger.close(&format!("{}: stood still", store.name()), fleet, mosquito).await;
    assert!(account.reruns <= 3, "each held run was performed once more at most: {account}");
}

async fn jobs_that_hold_every_thread_for_two_leases_are_not_performed_twice(store: Store) {
    let mut trial = Trial::on(&store).await;
    trial.enqueue((0..2).map(|_| Hog { pause: 3_200 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let busy = fleet.start(&WorkerPlan { executors: 2, threads: 2, ..plan.clone() });
    ledger.until(Fact::Began, 2).await;
    let idle = fleet.start(plan);

    ledger.until_kept(mosquito).await;

    let [busy, idle] = [busy, idle].map(|place| tokio::task::block_in_place(|| fleet.stop(place)));
    assert_eq!((busy.performed, busy.refused, idle.performed), (2, 0, 0), "{busy:?} {idle:?}");
    let account = ledger.close(&format!("{}: threads held", store.name()), fleet, mosquito).await;
    assert_eq!((account.reruns, account.rescues), (0, 0), "{account}");
}

/// Each is the first process of a namespace of its own, so both have the pid 1, and the name of the machine.
async fn a_worker_with_the_pid_and_host_of_a_dead_one_is_another_one(store: Store) {
    if !can_unshare() {
        println!("skipped: this user may not make a namespace for processes");
        return;
    }
    let mut trial = Trial::on(&store).await;
    trial.enqueue((0..5).map(|_| Work { pause: 5_000 })).await;
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let alone = || Program::at("unshare").arg("--pid").arg("--fork").arg("--kill-child").arg(WORKER);
    let first = fleet.launch_as(alone(), plan);
    ledger.until(Fact::Began, 5).await;
    tokio::task::block_in_place(|| fleet.kill(first));
    fleet.fault("kill -9", Hit::Process(1), plan.executors);

    let second = fleet.launch_as(alone(), plan);
    fleet.wait_until_ready(second);
    ledger.until_kept(mosquito).await;
    tokio::task::block_in_place(|| fleet.kill(second));

    let pids = ledger.times(Fact::Began).into_iter().map(|(_, pid)| pid);
    assert!(pids.clone().all(|pid| pid == 1), "they share a pid: {pids:?}");
    assert_eq!(ledger.count(Fact::Rescued), 5, "it adopted nothing: the lease of the other ran out first");
    let account = ledger.close(&format!("{}: pid used again", store.name()), fleet, mosquito).await;
    assert_eq!((account.runs, account.reruns), (5, 0), "{account}");
}

fn can_unshare() -> bool {
    let tried = std::process::Command::new("unshare").args(["--pid", "--fork", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}
