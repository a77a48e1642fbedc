//! Which queue comes next, and that several runners share one store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::dequeue::{DequeueAdapter, Share, StrictOrder, Weighted};
use mosquito::{Context, JobResult, Mosquito, Perform, QueueName, job};
use mosquito_tests::RedisServer;

use crate::jobs::Note;
use crate::working::{memory, work};

async fn put(mosquito: &Mosquito, queue: &str, count: usize) {
    let notes = (0..count).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(notes).queue(queue).await.unwrap();
}

/// The queues of the notes, in the order in which they were performed.
fn queues(lines: &[String]) -> Vec<&str> {
    lines.iter().map(|line| line.rsplit(' ').next().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_a_queue_waits_until_those_before_it_are_empty() {
    let mosquito = memory().await;
    for queue in ["low", "high", "middle"] {
        put(&mosquito, queue, 5).await;
    }
    let order = StrictOrder::new(["high", "middle", "low"]).unwrap();
    let mut working =
        work(&mosquito, |runner| runner.queues(["low", "middle", "high"]).dequeue(order).executors(1));

    working.finished(15).await;

    let expected = [["high"; 5], ["middle"; 5], ["low"; 5]].concat();
    assert_eq!(queues(&working.log.lines()), expected);
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_weight_zero_is_not_worked_on_whatever_it_signals() {
    let mosquito = memory().await;
    let weights = Weighted::new([("a", 2), ("never", 0)]).unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["a", "b", "never"]).dequeue(weights));
    tokio::time::sleep(Duration::from_secs(1)).await;

    for queue in ["never", "a", "b"] {
        put(&mosquito, queue, 5).await;
    }
    working.finished(10).await;
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!(working.stop().await.performed, 10);
    assert_eq!(mosquito.queue("never").unwrap().sizes().await.unwrap().waiting, 5);
}

/// An application's own: one run at a time of each queue, in turn.
#[derive(Debug)]
struct OneOfEach;

impl DequeueAdapter for OneOfEach {
    fn plan(&self, queues: &[QueueName], _idle: usize) -> Vec<Share> {
        queues.iter().map(|queue| Share::of(queue, 1)).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_can_bring_its_own_adapter() {
    let mosquito = memory().await;
    put(&mosquito, "a", 3).await;
    put(&mosquito, "b", 3).await;
    let mut working = work(&mosquito, |runner| runner.queues(["a", "b"]).dequeue(OneOfEach).executors(10));

    working.finished(6).await;

    let lines = working.log.lines();
    for pair in queues(&lines).chunks(2) {
        assert!(pair.contains(&"a") && pair.contains(&"b"), "in turn: {lines:?}");
    }
    let _ = working.stop().await;
}

/// Ten runs of each queue at a time; remembers how many executors were idle when it was asked.
#[derive(Debug, Default)]
struct Ten(Arc<Mutex<Vec<usize>>>);

impl DequeueAdapter for Ten {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        self.0.lock().unwrap().push(idle);
        queues.iter().map(|queue| Share::of(queue, 10)).collect()
    }
}

#[job(queue("parted", partitions = 8))]
struct Parted {}

impl Perform for Parted {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_share_of_a_queue_with_partitions_is_counted_once() {
    let mosquito = memory().await;
    for _ in 0..40 {
        let _ = mosquito.enqueue(Parted {}).await.unwrap();
    }
    let idle = Arc::default();
    let ten = Ten(Arc::clone(&idle));

    let working = work(&mosquito, |runner| runner.queues(["parted"]).executors(16).dequeue(ten));
    tokio::time::sleep(Duration::from_secs(2)).await;

    assert!(idle.lock().unwrap().starts_with(&[16, 6]), "{idle:?}");
    let _ = working.stop().await;
}

/// Names another queue each time it is asked, and never takes all that is idle.
#[derive(Debug, Default)]
struct RoundRobin(std::sync::atomic::AtomicUsize);

impl DequeueAdapter for RoundRobin {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        let turn = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        vec![Share::of(&queues[turn % queues.len()], idle / 2)]
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_whose_plan_changes_each_time_starves_no_queue() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["a", "b"]).dequeue(RoundRobin::default()).executors(4));
    tokio::time::sleep(Duration::from_secs(30)).await;

    for round in 0..10 {
        put(&mosquito, if round % 3 == 0 { "a" } else { "b" }, 1).await;
        working
            .within(Duration::from_secs(12), "performed", |event| {
                matches!(event, mosquito::events::Event::Finished { .. }).then_some(())
            })
            .await;
    }

    assert_eq!(working.stop().await.performed, 10);
}

/// Performs many notes on two runners, and answers what both logs say.
async fn on_two_runners(one: &Mosquito, other: &Mosquito) -> Vec<String> {
    let (first, second) = (
        work(one, |runner| runner.queues(["notes"]).executors(5)),
        work(other, |runner| runner.queues(["notes"]).executors(5)),
    );
    put(one, "notes", 3_000).await;
    mosquito_tests::soon("the queue is empty", || async {
        let sizes = one.queue("notes").unwrap().sizes().await.unwrap();
        if sizes.total() == 0 { Ok(()) } else { Err(sizes) }
    })
    .await;
    let lines = [first.log.lines(), second.log.lines()].concat();
    let reports = [first.stop().await, second.stop().await];
    assert_eq!(reports.map(|report| report.performed).iter().sum::<u64>(), 3_000);
    lines
}

fn assert_each_once(mut lines: Vec<String>) {
    assert_eq!(lines.len(), 3_000);
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 3_000, "none was performed twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_share_a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
    let (one, other) = (Mosquito::connect(&url).await.unwrap(), Mosquito::connect(&url).await.unwrap());

    assert_each_once(on_two_runners(&one, &other).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_share_a_redis_and_leave_another_prefix_alone() {
    let server = RedisServer::start();
    let connect = |prefix: &str| {
        let builder = Mosquito::builder().prefix(prefix);
        let url = server.url();
        async move { builder.connect(&url).await.unwrap() }
    };
    let (one, other, apart) = (connect("app").await, connect("app").await, connect("else").await);
    put(&apart, "notes", 7).await;

    assert_each_once(on_two_runners(&one, &other).await);

    assert_eq!(apart.queue("notes").unwrap().sizes().await.unwrap().waiting, 7);
}
