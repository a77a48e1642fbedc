//! Workers of a queue with partitions, killed at random moments: each partition is taken over like a queue.

use mosquito::QueueName;
use mosquito_tests::{Seed, WorkerPlan};

use crate::jobs::Track;
use crate::kills::kill_at_random;
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
    for number in 0..4 {
        let part = QueueName::new("events").expect("it is a name").at_partition(number);
        let sizes = trial.mosquito.backend().sizes(&part.expect("it is one of four")).await;
        let sizes = sizes.expect("the store answers");
        assert!(sizes.waiting > 0, "partition {number} has its share");
    }
    kill_at_random(&mut trial, &plan, 2, 200..800, &mut random, |kills| kills == 4).await;
    let Trial { ledger, fleet, mosquito, .. } = &trial;
    let name = format!("{}: killed at random, in partitions", store.name());
    let account = ledger.close(&name, fleet, mosquito).await;
    assert_eq!(account.runs, RUNS);
    assert!(account.rescues > 0, "{account}");
}
