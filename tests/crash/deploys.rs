//! A release is rolled out: workers of the one before see runs that they cannot know.

use mosquito::backend::List;
use mosquito::{Body, JobName, NewRun, QueueName, RunId, When};
use mosquito_tests::flow_of;
use serde_json::value::to_raw_value;

use crate::jobs::{Letter, Parcel};
use crate::store::Store;
use crate::{Trial, standing};

/// The program of the release before.
const OLD_WORKER: &str = env!("CARGO_BIN_EXE_crash-worker-old");

/// On both stores at once: a run that was put off is offered again after half a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_worker_does_not_know_waits_for_a_newer_one() {
    tokio::join!(rolled_out(Store::redis()), rolled_out(Store::sqlite()));
}

async fn rolled_out(store: Store) {
    let mut trial = Trial::on(&store).await;
    trial.enqueue((0..5).map(|_| Parcel)).await;
    trial.enqueue((0..5).map(|n| Letter { to: format!("new-{n}"), stamp: 2 })).await;
    trial.ledger.promise(enqueue_old_letters(&trial.mosquito).await);
    let Trial { ledger, fleet, mosquito, plan, .. } = &mut trial;
    let work = mosquito.queue("work").expect("it is a name");

    let old = fleet.launch_as(mosquito_tests::Program::at(OLD_WORKER), plan);
    mosquito_tests::soon("the old worker has put off what it does not know", || async {
        let sizes = work.sizes().await.map_err(|why| format!("{why:?}"))?;
        let offered = sizes.scheduled == 10 && sizes.waiting == 0 && sizes.pending == 0;
        if offered { Ok(()) } else { Err(format!("{sizes:?}")) }
    })
    .await;
    let put_off = standing(mosquito, List::Scheduled).await;
    assert!(put_off.iter().all(|run| run.history.attempts == 0), "it cost no attempt: {put_off:?}");

    let new = fleet.start(plan);
    let old = tokio::task::block_in_place(|| fleet.stop(old));
    ledger.until_kept(mosquito).await;

    let new = tokio::task::block_in_place(|| fleet.stop(new));
    assert!(old.put_off >= 10, "{old:?}");
    assert_eq!((old.performed, old.failed, new.performed, new.failed), (5, 0, 10, 0), "{old:?} {new:?}");
    let account = ledger.close(&format!("{}: rolled out", store.name()), fleet, mosquito).await;
    assert_eq!((account.runs, account.reruns), (15, 0), "{account}");
}

/// Runs as the release before wrote them.
async fn enqueue_old_letters(mosquito: &mosquito::Mosquito) -> Vec<RunId> {
    let job = JobName::new("letter").expect("it is a name");
    let args = to_raw_value(&serde_json::json!({ "to": "old" })).expect("it serializes");
    let run = |_| {
        let id = RunId::random();
        let flow = flow_of(&id).unwrap_or_default();
        NewRun::new(id, When::Now, &Body::new(&job, &args)).flowing(flow)
    };
    let runs: Vec<_> = (0..5).map(run).collect();
    let work = QueueName::new("work").expect("it is a name");
    let answers = mosquito.backend().enqueue(&work, &runs).await.expect("they are enqueued");
    answers.iter().map(|answer| answer.id().clone()).collect()
}
