//! A worker is killed just before and just after each call of its store.

use std::time::Duration;

use mosquito_tests::journal::Fact;
use mosquito_tests::{FailPoint, Operation, WorkerPlan};
use nix::sys::signal::Signal;

use crate::jobs::{Flaky, Hopeless, Parent, Work};
use crate::store::Store;
use crate::{Trial, on_both};

macro_rules! killed_around {
    ($($fact:ident: $operation:ident),+ $(,)?) => {
        $(async fn $fact(store: Store) {
            let around = [FailPoint::before(Operation::$operation), FailPoint::after(Operation::$operation)];
            let [before, after] = around.map(|point| killed_at(&store, point));
            tokio::join!(before, after);
        })+
        on_both!($($fact),+);
    };
}

killed_around! {
    a_worker_killed_around_an_enqueue_loses_nothing: Enqueue,
    a_worker_killed_around_a_claim_loses_nothing: Claim,
    a_worker_killed_around_a_settlement_loses_nothing: Settle,
    a_worker_killed_around_forgetting_a_run_loses_nothing: Forget,
    a_worker_killed_around_rescheduling_a_run_loses_nothing: Reschedule,
    a_worker_killed_around_banishing_a_run_loses_nothing: Banish,
    a_worker_killed_around_handing_a_run_back_loses_nothing: HandBack,
    a_worker_killed_around_a_promotion_loses_nothing: Promote,
    a_worker_killed_around_a_look_at_a_schedule_loses_nothing: LastTick,
    a_worker_killed_around_a_tick_loses_nothing: Tick,
    a_worker_killed_around_a_beat_loses_nothing: Beat,
    a_worker_killed_around_a_rescue_loses_nothing: Rescue,
    a_worker_killed_around_taking_the_lead_loses_nothing: Lead,
    a_worker_killed_around_resigning_loses_nothing: Resign,
    a_worker_killed_around_a_wait_loses_nothing: Wait,
    a_worker_killed_around_connecting_its_pulse_loses_nothing: Separate,
}

/// One worker does everything there is to do, dies at its point, and another one does the rest.
async fn killed_at(store: &Store, point: FailPoint) {
    let mut trial = Trial::on(store).await;
    let queues = ["work", "ticks"].map(String::from).to_vec();
    let plan = WorkerPlan { queues, grace: Duration::from_millis(400), ..trial.plan.clone() };
    if point.operation == Operation::Rescue {
        leave_runs_behind(&mut trial, &plan).await;
    }
    let long = trial.enqueue((0..2).map(|_| Work { pause: 5_000 })).await;
    trial.enqueue((0..20).map(|_| Work { pause: 20 })).await;
    trial.enqueue((0..3).map(|_| Parent)).await;
    trial.enqueue((0..3).map(|_| Flaky { succeeds_at: 3 })).await;
    trial.enqueue_hopeless(Hopeless).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;

    let victim = fleet.launch(&WorkerPlan { fail_at: Some(point), ..plan.clone() });
    if matches!(point.operation, Operation::HandBack | Operation::Resign) {
        ledger.until_began(&long[0]).await;
        fleet.terminate(victim);
    }
    tokio::task::block_in_place(|| fleet.wait_for_death(victim, Signal::SIGKILL));
    assert_eq!(ledger.count(Fact::Died), 1, "it died at its point, {point}, by its own hand");

    let successor = fleet.start(&WorkerPlan { grace: Duration::from_secs(10), ..plan });
    ledger.until_kept(mosquito).await;
    let report = tokio::task::block_in_place(|| fleet.stop(successor));

    assert_eq!((report.refused, report.unsettled), (0, 0), "nothing is wrong with the successor: {report:?}");
    let _account = ledger.close(&format!("{}: killed {point}", store.name()), fleet, mosquito).await;
}

/// An overseer that has died before, so that there is something to rescue.
async fn leave_runs_behind(trial: &mut Trial, plan: &WorkerPlan) {
    trial.enqueue((0..3).map(|_| Work { pause: 5_000 })).await;
    let Trial { ledger, fleet, .. } = trial;
    let predecessor = fleet.launch(plan);
    ledger.until(Fact::Began, 3).await;
    fleet.kill(predecessor);
}
