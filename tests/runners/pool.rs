//! The pool of executors: its size is kept to, and can be changed while it works.

use std::time::Duration;

use mosquito::events::Event;

use crate::jobs::{Long, Note};
use crate::working::{memory, work};

#[tokio::test(start_paused = true)]
async fn no_more_runs_are_performed_at_once_than_there_are_executors() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["long"]).executors(3));

    let _ = mosquito.enqueue_all((0..10).map(|_| Long { heeds_its_token: true })).await.unwrap();
    for _ in 0..3 {
        working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    }
    tokio::time::sleep(Duration::from_secs(60)).await;

    let sizes = mosquito.queue("long").unwrap().sizes().await.unwrap();
    assert_eq!((sizes.pending, sizes.waiting), (3, 7), "nothing is claimed that cannot start");
    assert_eq!(working.log.lines().len(), 3);
    working.handle.leave();
    let report = working.end().await.unwrap();
    assert_eq!(report.handed_back, 3);
    assert_eq!(mosquito.queue("long").unwrap().sizes().await.unwrap().waiting, 10);
}

#[tokio::test(start_paused = true)]
async fn the_pool_grows_and_shrinks_while_it_works() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["long", "notes"]).executors(2));
    let _ = mosquito.enqueue_all((0..9).map(|_| Long { heeds_its_token: true })).await.unwrap();
    let pending = || async { mosquito.queue("long").unwrap().sizes().await.unwrap().pending };
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(pending().await, 2);

    working.handle.set_executors(5);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!((pending().await, working.handle.executors()), (5, 5), "three more began at once");

    working.handle.set_executors(1);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(
        (pending().await, working.handle.executors()),
        (5, 1),
        "nothing is torn away from its executor"
    );

    // What is being performed is lost to others, so that its executors become idle: one is left to go on.
    let rescue = mosquito::backend::Rescue {
        dead_after: Duration::ZERO,
        max_crashes: 9,
        at_most: 100,
        not_after: None,
    };
    mosquito.backend().rescue(&"long".parse().unwrap(), &rescue).await.unwrap();
    let lost = working.within(Duration::from_secs(60), "lease lost", |event| match event {
        Event::LeaseLost { runs, .. } => Some(*runs),
        _ => None,
    });
    assert_eq!(lost.await, 5);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(pending().await, 1, "one executor is left");
    working.handle.leave();
    let _ = working.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn many_runs_on_few_executors_are_each_performed_once() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]).executors(7));

    let notes = (0..2_000).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(notes).await.unwrap();
    working.finished(2_000).await;

    let mut words: Vec<_> = working.log.lines();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), 2_000);
    assert_eq!(working.stop().await.performed, 2_000);
}
