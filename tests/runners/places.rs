//! A few runs of a queue at once: no more, and never fewer than there could be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::dequeue::{ConcurrencyLimited, DequeueAdapter, Share};
use mosquito::events::Event;
use mosquito::middleware::{Attempt, Middleware, Next};
use mosquito::{Context, JobError, JobResult, Mosquito, Perform, QueueName, async_trait, job};
use mosquito_tests::{RedisServer, Seed};

use crate::working::{Working, memory, work};

/// Works for a while, and ends in one of several ways.
#[job(queue = "few", retry(attempts = 1))]
struct Work {
    milliseconds: u64,
    end: u8,
}

/// How many are at work in each queue, and the most that ever were.
#[derive(Clone, Default)]
struct AtOnce(Arc<Mutex<std::collections::BTreeMap<String, (usize, usize)>>>);

impl AtOnce {
    fn change(&self, queue: &QueueName, by: isize) {
        let mut counts = self.0.lock().unwrap();
        let (now, most) = counts.entry(queue.to_string()).or_default();
        *now = now.checked_add_signed(by).unwrap();
        *most = (*most).max(*now);
    }

    fn most(&self, queue: &str) -> usize {
        self.0.lock().unwrap().get(queue).map_or(0, |(_, most)| *most)
    }

    fn now(&self, queue: &str) -> usize {
        self.0.lock().unwrap().get(queue).map_or(0, |(now, _)| *now)
    }
}

#[async_trait]
impl Middleware for AtOnce {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        self.change(&attempt.run().queue, 1);
        let result = next.perform(attempt).await;
        self.change(&attempt.run().queue, -1);
        result
    }
}

impl Perform for Work {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        tokio::time::sleep(Duration::from_millis(self.milliseconds)).await;
        match self.end % 4 {
            0 => Err("it failed".into()),
            1 => panic!("on purpose"),
            2 => Err(JobError::discard("not wanted")),
            _ => Ok(()),
        }
    }
}

async fn put(mosquito: &Mosquito, queue: &str, count: u8, milliseconds: u64) {
    let all = (0..count).map(move |end| Work { milliseconds, end });
    let _ = mosquito.enqueue_all(all).queue(queue).await.unwrap();
}

fn limited(mosquito: &Mosquito, limits: &[(&str, usize)], executors: usize) -> (Working, AtOnce) {
    let (at_once, adapter) = (AtOnce::default(), ConcurrencyLimited::new(limits.iter().copied()).unwrap());
    let working = work(mosquito, |runner| {
        let queues = ["few", "many", "none", "one"];
        runner.queues(queues).executors(executors).dequeue(adapter).middleware(at_once.clone())
    });
    (working, at_once)
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_of_a_queue_are_at_work_than_its_limit_and_others_take_the_rest() {
    let mosquito = memory().await;
    for queue in ["few", "many", "none"] {
        put(&mosquito, queue, 40, 1_000).await;
    }

    let (mut working, at_once) = limited(&mosquito, &[("few", 3), ("none", 0)], 10);
    let begin = tokio::time::Instant::now();
    working.finished(80).await;
    let took = begin.elapsed();

    assert_eq!((at_once.most("few"), at_once.most("none")), (3, 0));
    assert!(at_once.most("many") >= 7, "{}", at_once.most("many"));
    // Fourteen rounds of three; and in some of the first ones the others have the executors.
    let least = Duration::from_secs(14);
    assert!(
        took >= least && took < least + Duration::from_secs(5),
        "a free place is taken at once: {took:?}"
    );
    assert_eq!(mosquito.queue("none").unwrap().sizes().await.unwrap().waiting, 40);
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_at_its_limit_leaves_its_signals_to_others_and_hears_them_again_below_it() {
    let mosquito = memory().await;
    let (mut one, _) = limited(&mosquito, &[("one", 1)], 5);
    let (other, _) = limited(&mosquito, &[("one", 1)], 5);
    tokio::time::sleep(Duration::from_secs(20)).await;

    for _ in 0..10 {
        let begin = tokio::time::Instant::now();
        // Each runner has one place, so both are at work.
        put(&mosquito, "one", 1, 60_000).await;
        put(&mosquito, "one", 1, 60_000).await;
        for _ in 0..2 {
            // Of either: they are of one client.
            one.within(Duration::from_secs(100), "finished", ended).await;
        }
        assert!(begin.elapsed() < Duration::from_secs(61), "{:?}", begin.elapsed());
    }

    let _ = (one.stop().await, other.stop().await);
}

fn ended(event: &Event) -> Option<()> {
    matches!(event, Event::Finished { .. }).then_some(())
}

#[tokio::test(start_paused = true)]
async fn a_run_that_goes_on_although_its_lease_is_lost_keeps_its_place() {
    let mosquito = memory().await;
    let (mut working, at_once) = limited(&mosquito, &[("few", 2)], 9);
    put(&mosquito, "few", 2, 600_000).await;
    for _ in 0..2 {
        working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    }

    let rescue = mosquito::backend::Rescue {
        dead_after: Duration::ZERO,
        max_crashes: 9,
        at_most: 100,
        not_after: None,
    };
    mosquito.backend().rescue(&"few".parse().unwrap(), &rescue).await.unwrap();
    working
        .within(Duration::from_secs(60), "lease lost", |event| {
            matches!(event, Event::LeaseLost { .. }).then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!((at_once.now("few"), at_once.most("few")), (2, 2), "they wait until the first two are over");
    working.handle.leave();
    let _ = working.end().await.unwrap();
}

/// A limit that is changed while it counts.
#[derive(Debug, Clone)]
struct Live(Arc<AtomicUsize>);

impl DequeueAdapter for Live {
    fn plan(&self, queues: &[QueueName], idle: usize) -> Vec<Share> {
        // Twice the same: a limit holds whatever the plan says.
        queues.iter().chain(queues).map(|queue| Share::of(queue, idle)).collect()
    }

    fn limit(&self, _: &QueueName) -> Option<usize> {
        Some(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test(start_paused = true)]
async fn an_adapter_of_ones_own_can_change_its_limits() {
    let (mosquito, live) = (memory().await, Live(Arc::new(AtomicUsize::new(2))));
    put(&mosquito, "few", 100, 1_000).await;
    let at_once = AtOnce::default();
    let mut working = work(&mosquito, |runner| {
        runner.queues(["few"]).executors(50).dequeue(live.clone()).middleware(at_once.clone())
    });

    working.finished(10).await;
    assert_eq!(at_once.most("few"), 2);
    live.0.store(5, Ordering::SeqCst);
    working.finished(30).await;
    assert_eq!(at_once.most("few"), 5);
    live.0.store(usize::MAX, Ordering::SeqCst);
    working.finished(60).await;
    assert!(at_once.most("few") > 5);

    let _ = working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_queue_on_redis_never_stalls() {
    let (server, mut random) = (RedisServer::start(), Seed::several(1)[0].begin());
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let (mut working, at_once) = limited(&mosquito, &[("few", 2), ("one", 1)], 6);

    let mut put_in = 0;
    for _ in 0..60 {
        let queue = ["few", "one", "many"][random.usize(..3)];
        let count = random.u8(1..6);
        put(&mosquito, queue, count, random.u64(0..8)).await;
        put_in += usize::from(count);
        if random.bool() {
            tokio::time::sleep(Duration::from_millis(random.u64(0..30))).await;
        }
    }
    working.finished(put_in).await;

    assert!(at_once.most("few") <= 2 && at_once.most("one") <= 1, "{:?}", at_once.0.lock().unwrap());
    let _ = working.stop().await;
}
