//! One queue and many queues on three nodes: each does its part of the work.
//!
//! `cargo test --release --test redis_modes partitions -- --nocapture` prints the tables.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mosquito::backend::Sizes;
use mosquito::{Enqueued, Job, Mosquito, RunId, RunnerHandle};
use mosquito_tests::{RedisCluster, eventually};
use tokio::task::JoinHandle;

use crate::crew::{Log, PATIENCE};
use crate::jobs::{Letter, Note, Serial, Step, Steps};

const RUNS: u64 = 12_000;
const USERS: u64 = 600;

/// The least that a node of three may do of all, in hundredths.
const FAIR: u64 = 20;

/// Where a queue stands is for its name to say: of these, 5, 4 and 3 on each node.
const QUEUES: [&str; 12] = [
    "mail", "reports", "billing", "search", "imports", "exports", "webhooks", "images", "video", "alerts",
    "sync", "cleanup",
];

/// What each node was told, by kind: calls of scripts, commands of any kind within them and beside them.
struct Load([BTreeMap<&'static str, u64>; 3]);

impl Load {
    const KINDS: [&'static str; 2] = ["scripts", "commands"];

    fn begin(cluster: &RedisCluster) {
        for place in 0..3 {
            let _: String = cluster.server(place).command(&["CONFIG", "RESETSTAT"]);
        }
    }

    fn read(cluster: &RedisCluster) -> Self {
        Self([0, 1, 2].map(|place| {
            let told: String = cluster.server(place).command(&["INFO", "commandstats"]);
            let mut load = BTreeMap::from(Self::KINDS.map(|kind| (kind, 0)));
            for line in told.lines() {
                let Some((name, rest)) = line.strip_prefix("cmdstat_").and_then(|line| line.split_once(':'))
                else {
                    continue;
                };
                let calls = rest.strip_prefix("calls=").and_then(|rest| rest.split(',').next());
                let calls: u64 = calls.and_then(|calls| calls.parse().ok()).expect("it is how often");
                // What the nodes say to each other, and what the test asks, is not work.
                if ["cluster", "info", "config", "ping", "replconf"].iter().any(|own| name.starts_with(own)) {
                    continue;
                }
                *load.entry("commands").or_default() += calls;
                if name == "evalsha" {
                    *load.entry("scripts").or_default() += calls;
                }
            }
            load
        }))
    }

    /// Whether each node did a fair part, of scripts also unless they are few.
    fn is_fair(&self, kinds: &[&str]) {
        for kind in kinds.iter().copied() {
            let all: u64 = self.0.iter().map(|node| node[kind]).sum();
            for node in &self.0 {
                assert!(
                    node[kind] * 100 >= all * FAIR,
                    "a node did less than {FAIR} % of the {kind}:\n{self}"
                );
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| node | scripts | share | commands | share |\n|---|---|---|---|---|")?;
        let all = |kind| self.0.iter().map(|node| node[kind]).sum::<u64>().max(1);
        for (place, node) in self.0.iter().enumerate() {
            let share = |kind| node[kind] * 100 / all(kind);
            let (scripts, commands) = (node["scripts"], node["commands"]);
            let shares = (share("scripts"), share("commands"));
            writeln!(f, "| {place} | {scripts} | {} % | {commands} | {} % |", shares.0, shares.1)?;
        }
        Ok(())
    }
}

struct Crew {
    steps: Steps,
    log: Log,
    handle: RunnerHandle,
    task: JoinHandle<mosquito::Result<mosquito::Report>>,
}

impl Crew {
    fn work<'a>(mosquito: &Mosquito, executors: usize, queues: impl IntoIterator<Item = &'a str>) -> Self {
        let (steps, log) = (Steps::default(), Log::default());
        let runner = mosquito.runner().state(steps.clone()).state(log.clone()).executors(executors);
        let runner = runner.queues(queues).signals(false).build().expect("the runner is sound");
        let handle = runner.handle();
        Self { steps, log, handle, task: tokio::spawn(runner.run()) }
    }

    /// Waits until this step of each of these users was performed.
    async fn has(&self, number: u64, users: &[u64]) {
        eventually("the steps are done", PATIENCE, || async {
            let steps = self.steps.0.lock().expect("no job panics with it");
            let is_missing = |user: &&u64| !steps.get(user).is_some_and(|numbers| numbers.contains(&number));
            let missing: Vec<_> = users.iter().filter(is_missing).copied().collect();
            if missing.is_empty() { Ok(()) } else { Err(missing) }
        })
        .await;
    }

    async fn stop(self) -> (BTreeMap<u64, Vec<u64>>, Log) {
        self.handle.stop();
        let report = self.task.await.expect("a runner does not panic").expect("the store lets it in");
        assert_eq!((report.failed, report.unsettled), (0, 0));
        let steps = self.steps.0.lock().expect("no job panics with it").clone();
        (steps, self.log)
    }
}

async fn is_empty(mosquito: &Mosquito, queues: &[String]) {
    for queue in queues {
        eventually(&format!("{queue} is empty"), PATIENCE, || async {
            match mosquito.queue(queue).expect("it is a name").sizes().await {
                Ok(sizes) if sizes == Sizes::default() => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

/// The runs of all users, in turns; of each from 0 on.
fn turns() -> impl Iterator<Item = (u64, u64)> + Send + 'static {
    (0..RUNS).map(|n| (n % USERS, n / USERS))
}

fn each_new(answers: &[Enqueued], what: &str) {
    assert_eq!(answers.len() as u64, RUNS);
    assert!(answers.iter().all(Enqueued::is_new), "{what}: each is a new one");
}

/// Every run once, and those of each user in their order.
fn exact_and_in_order(steps: &BTreeMap<u64, Vec<u64>>) {
    assert_eq!(steps.len() as u64, USERS);
    for (user, numbers) in steps {
        assert_eq!(*numbers, (0..RUNS / USERS).collect::<Vec<_>>(), "of user {user}");
    }
}

fn tell(what: &str, enqueue: &Load, drain: &Load, took: Duration) {
    println!("{what}, {RUNS} runs in {took:.1?}\n\nenqueue:\n{enqueue}\ndrain:\n{drain}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_in_eight_partitions_is_work_for_all_three_nodes_and_keeps_the_order_of_each_key() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();

    Load::begin(&cluster);
    let answers = mosquito.enqueue_all(turns().map(|(user, number)| Step { user, number })).await.unwrap();
    let enqueue = Load::read(&cluster);
    each_new(&answers, "steps");
    Load::begin(&cluster);
    let begin = Instant::now();
    // One executor begins what it claims one after the other; each claim takes of one partition.
    let crew = Crew::work(&mosquito, 1, ["events"]);
    is_empty(&mosquito, &["events".into()]).await;
    let (took, drain) = (begin.elapsed(), Load::read(&cluster));

    tell("8 partitions, 1 executor", &enqueue, &drain, took);
    enqueue.is_fair(&["commands"]);
    drain.is_fair(&Load::KINDS);
    exact_and_in_order(&crew.stop().await.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_executors_perform_every_run_of_a_queue_in_partitions_once() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    Load::begin(&cluster);
    let answers = mosquito.enqueue_all(turns().map(|(user, number)| Step { user, number })).await.unwrap();
    let enqueue = Load::read(&cluster);
    each_new(&answers, "steps");

    Load::begin(&cluster);
    let begin = Instant::now();
    let crew = Crew::work(&mosquito, 50, ["events"]);
    is_empty(&mosquito, &["events".into()]).await;
    let (took, drain) = (begin.elapsed(), Load::read(&cluster));

    tell("8 partitions, 50 executors", &enqueue, &drain, took);
    drain.is_fair(&Load::KINDS);
    let mut steps = crew.stop().await.0;
    steps.values_mut().for_each(|numbers| numbers.sort_unstable());
    exact_and_in_order(&steps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_run_of_a_key_at_a_time_many_executors_keep_its_order_too() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    Load::begin(&cluster);
    let answers = mosquito.enqueue_all(turns().map(|(user, number)| Serial { user, number })).await.unwrap();
    let enqueue = Load::read(&cluster);
    each_new(&answers, "serial steps");

    Load::begin(&cluster);
    let begin = Instant::now();
    let crew = Crew::work(&mosquito, 50, ["events"]);
    is_empty(&mosquito, &["events".into()]).await;
    let (took, drain) = (begin.elapsed(), Load::read(&cluster));

    tell("8 partitions, one run of a key at a time, 50 executors", &enqueue, &drain, took);
    enqueue.is_fair(&["commands"]);
    drain.is_fair(&Load::KINDS);
    exact_and_in_order(&crew.stop().await.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_node_stops_only_its_partitions_and_comes_back() {
    const FEW: u64 = 40;
    let mut cluster = RedisCluster::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let crew = Crew::work(&mosquito, 10, ["events"]);
    let enqueue = |user: u64, number: u64| {
        let id = RunId::new(format!("{user}-{number}")).expect("it is an id");
        mosquito.enqueue(Step { user, number }).id(id)
    };
    for user in 0..FEW {
        let _ = enqueue(user, 0).await.unwrap();
    }
    // So that its queue is on the list.
    let first = mosquito.enqueue(Letter).await.unwrap();
    assert!(mosquito.queue("mail").unwrap().delete(first.id()).await.unwrap());
    crew.has(0, &(0..FEW).collect::<Vec<_>>()).await;

    // The one that has the list of queues, without which nobody knows of all partitions but by what is declared.
    let lost = cluster.holder("mosquito:queues", 0);
    cluster.server_mut(lost).kill();
    let _ = mosquito.enqueue(Letter).await.unwrap();
    let mail = mosquito.queue(Letter::SPEC.queue).unwrap();
    assert_eq!(mail.sizes().await.unwrap().waiting, 1, "of a queue that is declared");
    assert!(mosquito.queue("undeclared").unwrap().sizes().await.unwrap_err().is_transient());
    let answers = (0..FEW).map(|user| {
        let enqueue = enqueue(user, 1);
        async move { (user, enqueue.await) }
    });
    let (well, gone): (Vec<_>, Vec<_>) =
        join_all(answers).await.into_iter().partition(|(_, answer)| answer.is_ok());
    for (user, answer) in &gone {
        assert!(answer.as_ref().is_err_and(mosquito::Error::is_transient), "{user}: {answer:?}");
    }
    let users = |of: Vec<(u64, _)>| of.into_iter().map(|(user, _)| user).collect::<Vec<_>>();
    let (well, gone) = (users(well), users(gone));
    assert!(well.len() > 10 && gone.len() > 5, "{well:?} go on, {gone:?} do not");
    crew.has(1, &well).await;
    cluster.server_mut(lost).start_again();

    for user in &gone {
        eventually(&format!("user {user} goes on"), PATIENCE, || async {
            enqueue(*user, 1).await.map(drop).map_err(|error| format!("{error:?}"))
        })
        .await;
    }
    crew.has(1, &gone).await;
    is_empty(&mosquito, &["events".into()]).await;
    let (steps, _) = crew.stop().await;
    assert!(steps.values().all(|numbers| *numbers == [0, 1]), "each once, in order: {steps:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twelve_queues_are_work_for_all_three_nodes() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let queues = QUEUES.map(str::to_owned);
    let by_word = |note: &Note| RunId::new(note.word.replace(' ', "-")).expect("it is an id");
    let words: Vec<Vec<_>> =
        (0..12).map(|n| (0..RUNS / 12).map(|number| format!("{n} {number}")).collect()).collect();

    Load::begin(&cluster);
    for (queue, words) in queues.iter().zip(&words) {
        let notes = words.clone().into_iter().map(|word| Note { word });
        let answers = mosquito.enqueue_all(notes).queue(queue).id_by(by_word).await.unwrap();
        assert!(answers.iter().all(Enqueued::is_new), "{queue}: each is a new one");
    }
    let enqueue = Load::read(&cluster);
    Load::begin(&cluster);
    let begin = Instant::now();
    let crew = Crew::work(&mosquito, 50, QUEUES);
    is_empty(&mosquito, &queues).await;
    let (took, drain) = (begin.elapsed(), Load::read(&cluster));

    tell("12 queues, 50 executors", &enqueue, &drain, took);
    enqueue.is_fair(&["commands"]);
    drain.is_fair(&Load::KINDS);
    let (_, log) = crew.stop().await;
    assert!(words.iter().flatten().all(|word| log.times(word) == 1), "every run once");
}
