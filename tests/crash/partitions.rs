//! Workers of a queue with partitions, killed at random moments: each partition is taken over like a queue.

use std::time::Duration;

use mosquito::QueueName;
use mosquito_tests::{Seed, WorkerPlan};

use crate::jobs::Track;
use crate::store::Store;
use crate::{Trial, on_both};

on_both!(runs_in_partitions_survive_random_kills);

const RUNS: usize = 3_000;

async fn runs_in_partitions_survive_random_kills(store: Store) {
    let mut trial = Trial::on(&store).await;
    let mut random = Seed::several(1)[0].begin();
    let queues = vec!["events".into()];
    // A run that is unlucky three times is not poisonous here.
    let plan = WorkerPlan { queues, executors: 10, max_crashes: 1_000, ..trial.plan.clone() };
    let runs: Vec<_> = (0..RUNS).map(|_| Track { user: random.u8(..), pause: random.u64(..=40) }).collect();
    trial.enqueue_plain(runs).await;
    let Trial { ledger, fleet, mosquito, .. } = &mut trial;
    for number in 0..4 {
        let part = QueueName::new("events").expect("it is a name").at_partition(number);
        let sizes = mosquito.backend().sizes(&part.expect("it is one of four")).await;
        let sizes = sizes.expect("the store answers");
        assert!(sizes.waiting > 0, "partition {number} has its share");
    }
    let mut alive: Vec<_> = (0..2).map(|_| fleet.start(&plan)).collect();

    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(random.u64(200..800))).await;
        let unlucky = random.usize(..alive.len());
        tokio::task::block_in_place(|| fleet.kill(alive[unlucky]));
        alive[unlucky] = fleet.launch(&plan);
    }

    ledger.until_kept(mosquito).await;
    for worker in alive {
        let report = tokio::task::block_in_place(|| fleet.stop(worker));
        assert_eq!((report.refused, report.unsettled), (0, 0), "it was alive all the time: {report:?}");
    }
    let name = format!("{}: killed at random, in partitions", store.name());
    let account = ledger.close(&name, fleet, mosquito).await;
    assert_eq!(account.runs, RUNS);
    assert!(account.rescues > 0, "{account}");
}
