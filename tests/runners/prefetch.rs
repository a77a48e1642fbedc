//! Runs that are claimed before there is an executor for them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use mosquito::backend::List;
use mosquito::{Context, JobResult, Mosquito, Perform, job};
use mosquito_tests::{RedisServer, soon};

use crate::working::{Log, work};

/// Short, until one comes that lasts.
#[job(queue = "mixed", state(Log))]
struct Mixed {
    ms: u64,
}

impl Perform for Mixed {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if self.ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.ms)).await;
        }
        cx.state::<Log>().write(self.ms.to_string());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_ahead_of_a_long_run_is_handed_back_and_performed_elsewhere() {
    behind_long_runs(300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_is_the_end_of_a_queue_with_nothing_behind_it() {
    behind_long_runs(30).await;
}

async fn behind_long_runs(short: usize) {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    // Enough to be at full speed when the long ones come.
    let _ = mosquito.enqueue_all((0..5_000).map(|_| Mixed { ms: 0 })).await.unwrap();
    let _ = mosquito.enqueue_all((0..4).map(|_| Mixed { ms: 12_000 })).await.unwrap();
    let _ = mosquito.enqueue_all((0..short).map(|_| Mixed { ms: 0 })).await.unwrap();

    let first = work(&mosquito, |runner| runner.queues(["mixed"]).executors(4));
    let queue = mosquito.queue("mixed").unwrap();
    soon("all four executors have long ones, and nothing else is kept", || async {
        let (pending, waiting) = (queue.sizes().await.unwrap().pending, queue.sizes().await.unwrap().waiting);
        if (pending, waiting) == (4, short) { Ok(()) } else { Err((pending, waiting)) }
    })
    .await;
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(
            queue.sizes().await.unwrap().pending,
            4,
            "none is claimed again for executors that are busy"
        );
    }
    let begin = Instant::now();
    let second = work(&mosquito, |runner| runner.queues(["mixed"]).executors(4));
    soon("the others are performed by somebody else", || async {
        let waiting = queue.sizes().await.unwrap().waiting;
        if waiting == 0 { Ok(()) } else { Err(waiting) }
    })
    .await;
    assert!(begin.elapsed() < Duration::from_secs(10), "while the long ones last");

    let report = first.stop().await;
    let other = second.stop().await;
    assert_eq!(report.performed + other.performed, 5_004 + short as u64);
    assert_eq!(report.failed + other.failed, 0);
    assert!(other.performed >= short as u64 * 2 / 3, "{other}");
    assert_eq!(queue.sizes().await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_ahead_is_handed_back_at_a_stop_as_if_never_claimed() {
    stops(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_is_more_than_one_call_takes() {
    stops(1_000).await;
}

async fn stops(executors: usize) {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _ = mosquito.enqueue_all((0..100_000).map(|_| Mixed { ms: 0 })).await.unwrap();
    let queue = mosquito.queue("mixed").unwrap();
    let mut left = 100_000;
    // Each stop finds it at another moment: with a claim on its way, with its answer come, or with neither.
    while left > 30_000 {
        let working = work(&mosquito, |runner| runner.queues(["mixed"]).executors(executors));
        soon("it is at full speed", || async {
            let waiting = queue.sizes().await.unwrap().waiting;
            if waiting < left - 5_000 { Ok(()) } else { Err(waiting) }
        })
        .await;

        let report = working.stop().await;

        let sizes = queue.sizes().await.unwrap();
        assert_eq!((sizes.pending, sizes.dead, sizes.scheduled), (0, 0, 0));
        assert_eq!(report.performed + sizes.waiting as u64, left as u64, "{report}");
        let mut front = Vec::new();
        for page in 0..3 {
            front.extend(queue.page(List::Waiting, page * 1_000, 1_000).await.unwrap());
        }
        let ids: Vec<_> = front.iter().map(|run| run.id.as_str()).collect();
        let breaks: Vec<_> = (1..ids.len()).filter(|at| ids[at - 1] > ids[*at]).collect();
        assert!(breaks.is_empty(), "in the order of their enqueueing, but at {breaks:?}; {report}");
        assert!(front.iter().all(|run| run.history.attempts == 0), "no attempt was burnt");
        left = sizes.waiting;
    }
}

#[job(queue = "dropped", state(Log))]
struct Dropped {}

impl Perform for Dropped {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(cx.id().to_string());
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_performed_when_a_runner_is_dropped_is_written_down() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _ = mosquito.enqueue_all((0..60_000).map(|_| Dropped {})).await.unwrap();
    let queue = mosquito.queue("dropped").unwrap();
    let mut left = 60_000;
    while left > 10_000 {
        let log = Log::default();
        let runner = mosquito.runner().queues(["dropped"]).executors(16).signals(false);
        let runner = runner.state(log.clone()).build().unwrap();
        let running = tokio::spawn(runner.run());
        soon("it is at full speed", || async {
            let waiting = queue.sizes().await.unwrap().waiting;
            if waiting < left - 1_500 { Ok(()) } else { Err(waiting) }
        })
        .await;

        running.abort();

        let _ = running.await;
        soon("what was performed is settled, but for what was in the middle of it", || async {
            let mut unsettled = 0;
            for page in 0.. {
                let pending = queue.page(List::Pending, page * 1_000, 1_000).await.unwrap();
                let done: HashSet<_> = log.lines().into_iter().collect();
                unsettled += pending.iter().filter(|run| done.contains(run.id.as_str())).count();
                if pending.len() < 1_000 {
                    break;
                }
            }
            if unsettled <= 2 { Ok(()) } else { Err(unsettled) }
        })
        .await;
        left = queue.sizes().await.unwrap().waiting;
    }
}
