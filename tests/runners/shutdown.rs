//! Stopping: within the grace, and without losing a run.

use std::time::Duration;

use mosquito::backend::List;
use mosquito::events::Event;
use tokio::time::Instant;

use crate::jobs::{HoldThread, Long, Note, Rude};
use crate::working::{Log, memory, work};

#[tokio::test(start_paused = true)]
async fn a_run_that_ends_within_the_grace_counts_as_performed() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let _ = mosquito.enqueue_all((0..500).map(|n| Note { word: n.to_string() })).await.unwrap();
    working.finished(1).await;
    let log = working.log.clone();

    let report = working.stop().await;

    let left = mosquito.queue("notes").unwrap().sizes().await.unwrap();
    assert_eq!(left.pending, 0);
    let performed = usize::try_from(report.performed).unwrap();
    assert_eq!(
        performed,
        log.lines().len(),
        "what had begun has ended; what was handed back had not: {report}"
    );
    assert_eq!(performed + left.waiting, 500);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_heeds_its_token_is_handed_back_and_keeps_its_attempt() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["long"]).shutdown_grace(Duration::from_secs(10)));
    let _ = mosquito.enqueue(Long { heeds_its_token: true }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    let (log, begin) = (working.log.clone(), Instant::now());

    let report = working.stop().await;

    assert!(begin.elapsed() <= Duration::from_secs(10), "it took {:?}", begin.elapsed());
    assert_eq!(log.lines(), ["long 1", "token fired"]);
    assert_eq!((report.handed_back, report.failed), (1, 0));
    let waiting = mosquito.queue("long").unwrap().page(List::Waiting, 0, 1).await.unwrap();
    assert_eq!(waiting[0].history.attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_ignores_its_token_is_handed_back_within_the_grace() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["long"]).shutdown_grace(Duration::from_secs(10)));
    let _ = mosquito.enqueue_all((0..3).map(|_| Long { heeds_its_token: false })).await.unwrap();
    for _ in 0..3 {
        working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    }
    let begin = Instant::now();

    let report = working.stop().await;

    assert!(begin.elapsed() <= Duration::from_secs(10), "it took {:?}", begin.elapsed());
    assert_eq!(report.handed_back, 3);
    let sizes = mosquito.queue("long").unwrap().sizes().await.unwrap();
    assert_eq!((sizes.waiting, sizes.pending), (3, 0));
}

#[tokio::test]
async fn a_job_that_holds_a_thread_cannot_hold_up_the_shutdown() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["threads"]).shutdown_grace(Duration::from_millis(500)));
    let _ = mosquito.enqueue(HoldThread { milliseconds: 5_000 }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    let begin = Instant::now();

    let report = working.stop().await;

    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    assert_eq!(report.handed_back, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_holds_a_thread_of_the_runtime_is_handed_back_too() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["rude"]).shutdown_grace(Duration::from_millis(500)));
    let _ = mosquito.enqueue(Rude { milliseconds: 4_000 }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    let begin = Instant::now();

    let report = working.stop().await;

    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    assert_eq!(report.handed_back, 1);
    assert_eq!(mosquito.queue("rude").unwrap().sizes().await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn leaving_waits_for_nothing() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["long"]));
    let _ = mosquito.enqueue(Long { heeds_its_token: false }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    let begin = Instant::now();

    working.handle.leave();
    let report = working.end().await.unwrap();

    assert!(begin.elapsed() < Duration::from_secs(2), "it took {:?}", begin.elapsed());
    assert_eq!(report.handed_back, 1);
}

#[tokio::test(start_paused = true)]
async fn a_runner_that_is_dropped_leaves_nothing_behind() {
    let mosquito = memory().await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    for _ in 0..3 {
        let runner =
            mosquito.runner().state(Log::default()).queues(["notes"]).signals(false).build().unwrap();
        assert!(
            tokio::time::timeout(Duration::from_secs(5), runner.run()).await.is_err(),
            "it runs until it is dropped"
        );
    }

    tokio::time::sleep(Duration::from_secs(10)).await;

    assert_eq!(alive(), before, "no task is left");
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.next("leading", |event| matches!(event, Event::Leading { .. }).then_some(())).await;
    let _ = working.stop().await;
}
