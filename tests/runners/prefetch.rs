//! Runs that are claimed before there is an executor for them.

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
    let _ = mosquito.enqueue_all((0..20_000).map(|_| Mixed { ms: 0 })).await.unwrap();
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
    assert_eq!(report.performed + other.performed, 20_004 + short as u64);
    assert_eq!(report.failed + other.failed, 0);
    assert!(other.performed >= short as u64 * 2 / 3, "{other}");
    assert_eq!(queue.sizes().await.unwrap().total(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_claimed_ahead_is_handed_back_at_a_stop_as_if_never_claimed() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _ = mosquito.enqueue_all((0..100_000).map(|_| Mixed { ms: 0 })).await.unwrap();
    let working = work(&mosquito, |runner| runner.queues(["mixed"]).executors(2));
    let queue = mosquito.queue("mixed").unwrap();
    soon("it is at full speed", || async {
        let waiting = queue.sizes().await.unwrap().waiting;
        if waiting < 90_000 { Ok(()) } else { Err(waiting) }
    })
    .await;

    let report = working.stop().await;

    let sizes = queue.sizes().await.unwrap();
    assert_eq!((sizes.pending, sizes.dead, sizes.scheduled), (0, 0, 0));
    assert_eq!(report.performed + sizes.waiting as u64, 100_000, "{report}");
    let front = queue.page(List::Waiting, 0, 300).await.unwrap();
    assert!(front.is_sorted_by_key(|run| run.id.as_str().to_owned()), "in the order of their enqueueing");
    assert!(front.iter().all(|run| run.history.attempts == 0), "no attempt was burnt");
}
