//! Runners at a queue with partitions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mosquito::backend::{Pause, Scope, Sizes};
use mosquito::dequeue::{ConcurrencyLimited, Gate, Weighted};
use mosquito::serde_json::value::to_raw_value;
use mosquito::{Body, Mosquito, NewRun, QueueName, RunnerBuilder, RunnerHandle, When};
use mosquito_tests::{Seed, soon};
use tokio::task::JoinHandle;

use crate::jobs::{Journal, Line, Serial, Track};

const USERS: u64 = 12;

struct Crew {
    journal: Arc<Journal>,
    handle: RunnerHandle,
    task: JoinHandle<mosquito::Result<mosquito::Report>>,
}

impl Crew {
    fn work(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Self {
        let journal = Arc::<Journal>::default();
        let runner = set(mosquito.runner().state(journal.clone()).signals(false)).build().unwrap();
        let handle = runner.handle();
        Self { journal, handle, task: tokio::spawn(runner.run()) }
    }

    async fn stop(self) -> Arc<Journal> {
        self.handle.stop();
        self.task.await.unwrap().unwrap();
        self.journal
    }
}

async fn is_empty(mosquito: &Mosquito, queue: &str) {
    soon("the queue is empty", || async {
        match mosquito.queue(queue).unwrap().sizes().await.unwrap() {
            sizes if sizes == Sizes::default() => Ok(()),
            sizes => Err(sizes),
        }
    })
    .await;
}

/// The users in a random order, each with its numbers from 0 on.
fn mixed(each: u64) -> Vec<(u64, u64)> {
    let mut rng = Seed::several(1).pop().unwrap().begin();
    let mut users: Vec<_> = (0..USERS * each).map(|n| n % USERS).collect();
    rng.shuffle(&mut users);
    let mut numbers = vec![0; usize::try_from(USERS).unwrap()];
    let number = |user: u64| {
        let number = &mut numbers[usize::try_from(user).unwrap()];
        *number += 1;
        (user, *number - 1)
    };
    users.into_iter().map(number).collect()
}

#[tokio::test]
async fn one_executor_keeps_the_order_of_each_key() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let lines = mixed(20).into_iter().map(|(user, number)| Line { user, number });
    mosquito.enqueue_all(lines).await.unwrap();

    let crew = Crew::work(&mosquito, |runner| runner.executors(1).queues(["lines"]));
    is_empty(&mosquito, "lines").await;

    let journal = crew.stop().await;
    for user in 0..USERS {
        assert_eq!(journal.of(user), (0..20).collect::<Vec<_>>(), "of user {user}");
    }
}

#[tokio::test]
async fn several_executors_keep_the_order_of_a_key_with_one_run_of_it_at_a_time() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let crews: Vec<_> =
        (0..3).map(|_| Crew::work(&mosquito, |runner| runner.executors(8).queues(["serial"]))).collect();
    let runs = mixed(20).into_iter().map(|(user, number)| Serial { user, number });
    mosquito.enqueue_all(runs).await.unwrap();

    is_empty(&mosquito, "serial").await;

    let mut all = vec![BTreeSet::new(); usize::try_from(USERS).unwrap()];
    let mut performed = 0;
    for crew in crews {
        let journal = crew.stop().await;
        performed += journal.lines().len();
        for user in 0..USERS {
            let numbers = journal.of(user);
            assert!(numbers.is_sorted(), "of user {user}: {numbers:?}");
            all[usize::try_from(user).unwrap()].extend(numbers);
        }
    }
    assert_eq!(performed, 240, "each once");
    assert!(all.iter().all(|numbers| numbers.len() == 20));
}

/// A store of its own for a test.
#[cfg(feature = "redis")]
async fn redis(prefix: &str) -> Mosquito {
    Mosquito::builder().prefix(prefix).connect(&crate::stores::REDIS.url()).await.unwrap()
}

/// Has all lines performed by twenty executors, of which the queue's limit leaves fewer at work.
async fn most_at_once(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> usize {
    let crew = Crew::work(mosquito, |runner| set(runner.executors(20)));
    mosquito.enqueue_all(mixed(20).into_iter().map(|(user, number)| Line { user, number })).await.unwrap();
    is_empty(mosquito, "lines").await;
    let journal = crew.stop().await;
    assert_eq!(journal.lines().len(), 240);
    journal.most_at_once()
}

fn three_lines(runner: RunnerBuilder) -> RunnerBuilder {
    let adapter = Weighted::new([("lines", 2)]).unwrap();
    runner.dequeue(ConcurrencyLimited::new([("lines", 3)]).unwrap().over(adapter))
}

#[tokio::test]
async fn a_limit_of_a_queue_is_one_of_all_its_partitions() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();

    assert_eq!(most_at_once(&mosquito, three_lines).await, 3);
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_limit_of_a_queue_is_one_of_all_its_partitions_on_redis() {
    assert_eq!(most_at_once(&redis("limit").await, three_lines).await, 3);
}

#[tokio::test]
async fn a_configured_limit_is_one_of_all_its_partitions() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    mosquito.configuration().set_limit("lines", 2).await.unwrap();

    assert_eq!(most_at_once(&mosquito, |runner| runner).await, 2);
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn a_configured_limit_is_one_of_all_its_partitions_on_redis() {
    let mosquito = redis("configured").await;
    mosquito.configuration().set_limit("lines", 2).await.unwrap();

    assert_eq!(most_at_once(&mosquito, |runner| runner).await, 2);
}

/// Open when it is told so.
struct Switch(Arc<AtomicBool>);

#[mosquito::async_trait]
impl Gate for Switch {
    async fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_before_a_queue_is_before_all_its_partitions() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    mosquito.enqueue_all(mixed(5).into_iter().map(|(user, number)| Line { user, number })).await.unwrap();
    mosquito.enqueue_all((0..40).map(|user| Track { user, number: 1 })).await.unwrap();
    let open = Arc::<AtomicBool>::default();

    let crew = Crew::work(&mosquito, |runner| runner.gate(["lines"], Switch(open.clone())));
    is_empty(&mosquito, "events").await;
    assert_eq!(crew.journal.lines().len(), 0);

    open.store(true, Ordering::SeqCst);
    is_empty(&mosquito, "lines").await;
    assert_eq!(crew.stop().await.lines().len(), 60);
}

#[tokio::test]
async fn partitions_of_an_earlier_release_are_drained_and_so_is_what_never_went_into_one() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    for queue in ["lines~9", "lines~63"] {
        mosquito.enqueue(Line { user: 1, number: 1 }).queue(queue).await.unwrap();
    }
    // As somebody enqueues who does not know of the partitions.
    let (job, args) = ("line".parse().unwrap(), to_raw_value(&Line { user: 2, number: 2 }).unwrap());
    let run = NewRun::new("plain".parse().unwrap(), When::Now, &Body::new(&job, &args));
    mosquito.backend().enqueue(&QueueName::new("lines").unwrap(), &[run]).await.unwrap();

    let crew = Crew::work(&mosquito, |runner| runner.queues(["lines"]));
    is_empty(&mosquito, "lines").await;

    assert_eq!(crew.stop().await.lines().len(), 3);
}

#[tokio::test]
async fn a_runner_may_work_on_one_partition_alone() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    mosquito.enqueue_all((0..40).map(|user| Track { user, number: 1 })).await.unwrap();
    let third = mosquito.queue("events~3").unwrap();
    let others = 40 - third.sizes().await.unwrap().waiting;
    assert!(others < 40);

    let crew = Crew::work(&mosquito, |runner| runner.queues(["events~3"]));
    is_empty(&mosquito, "events~3").await;

    let report = crew.handle.report();
    crew.stop().await;
    assert_eq!(usize::try_from(report.performed).unwrap(), 40 - others);
    assert_eq!(mosquito.queue("events").unwrap().sizes().await.unwrap().waiting, others);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_a_pause_was_not_told_of_heeds_it_when_a_runner_finds_it() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let (events, ninth) = (QueueName::new("events").unwrap(), QueueName::new("events~9").unwrap());
    mosquito.backend().pause(&Scope::from(&events), &Pause::new().reason("it moves")).await.unwrap();
    mosquito.enqueue(Track { user: 1, number: 1 }).queue("events~9").await.unwrap();

    let crew = Crew::work(&mosquito, |runner| runner.queues(["events"]));

    let paused = soon("it is told", || async {
        mosquito.backend().paused(&Scope::from(&ninth)).await.unwrap().ok_or("not yet")
    })
    .await;
    crew.stop().await;
    assert_eq!(paused.reason.as_deref(), Some("it moves"));
    assert_eq!(mosquito.queue("events").unwrap().sizes().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn an_overseer_tells_that_it_works_on_the_queue() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    mosquito.enqueue_all((0..40).map(|user| Track { user, number: 1 })).await.unwrap();
    let crew = Crew::work(&mosquito, |runner| runner.queues(["events", "mail"]));

    let seen =
        soon("it is seen", || async { mosquito.overseers().await.unwrap().pop().ok_or("nobody") }).await;

    let names: Vec<_> = seen.queues.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["events", "mail"]);
    is_empty(&mosquito, "events").await;
    let _ = tokio::time::timeout(Duration::from_secs(30), crew.stop()).await.unwrap();
}
