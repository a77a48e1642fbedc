//! What operators configure in the store: followed by runners at work, in time, and without tearing anything away.

use std::collections::BTreeMap;
use std::time::Duration;

use mosquito::dequeue::{ConcurrencyLimited, StrictOrder};
use mosquito::events::Event;
use mosquito::{Error, Mosquito, QueueName};
use mosquito_tests::{RedisServer, eventually};

use crate::jobs::{Long, Note};
use crate::working::{Working, memory, work};

/// How long a runner may take to follow.
const IN_TIME: Duration = Duration::from_secs(10);

async fn pending(mosquito: &Mosquito, queue: &str) -> usize {
    mosquito.queue(queue).unwrap().sizes().await.unwrap().pending
}

async fn put_long(mosquito: &Mosquito, queue: &str, count: usize) {
    let long = (0..count).map(|_| Long { heeds_its_token: true });
    let _ = mosquito.enqueue_all(long).queue(queue).await.unwrap();
}

async fn leave(working: Working) {
    working.handle.leave();
    let _ = working.end().await.unwrap();
}

async fn told(working: &mut Working) -> (usize, Vec<(String, usize)>) {
    let configured = working.within(Duration::from_secs(20), "configured", |event| match event {
        Event::Configured { executors, limits, .. } => Some((*executors, limits.clone())),
        _ => None,
    });
    let (executors, limits) = configured.await;
    (executors, limits.into_iter().map(|(queue, limit)| (queue.to_string(), limit)).collect())
}

#[tokio::test(start_paused = true)]
async fn the_pool_follows_what_is_configured_and_nothing_is_torn_away() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["long"]).executors(2));
    put_long(&mosquito, "long", 9).await;
    tokio::time::sleep(IN_TIME).await;
    assert_eq!(pending(&mosquito, "long").await, 2);
    let configuration = mosquito.configuration();

    configuration.set_executors(5).await.unwrap();
    tokio::time::sleep(IN_TIME).await;
    assert_eq!((pending(&mosquito, "long").await, working.handle.executors()), (5, 5));
    assert_eq!(told(&mut working).await, (5, vec![]));

    configuration.set_executors(1).await.unwrap();
    tokio::time::sleep(IN_TIME).await;
    assert_eq!((pending(&mosquito, "long").await, working.handle.executors()), (5, 1), "they go on");
    assert_eq!(told(&mut working).await, (1, vec![]));

    configuration.unset_executors().await.unwrap();
    tokio::time::sleep(IN_TIME).await;
    assert_eq!(working.handle.executors(), 2, "what the code says counts again");
    assert_eq!(told(&mut working).await, (2, vec![]));
    leave(working).await;
}

#[tokio::test(start_paused = true)]
async fn named_goes_over_all_and_all_over_the_handle_and_the_code() {
    let mosquito = memory().await;
    let named = work(&mosquito, |runner| runner.queues(["notes"]).executors(2).name("mail-1"));
    let other = work(&mosquito, |runner| runner.queues(["notes"]).executors(2));
    let configuration = mosquito.configuration();
    let executors = async || {
        tokio::time::sleep(IN_TIME).await;
        (named.handle.executors(), other.handle.executors())
    };
    assert_eq!(executors().await, (2, 2));

    configuration.set_executors(7).await.unwrap();
    assert_eq!(executors().await, (7, 7));
    configuration.overseer("mail-1").unwrap().set_executors(3).await.unwrap();
    assert_eq!(executors().await, (3, 7));
    other.handle.set_executors(4);
    named.handle.set_executors(5);
    assert_eq!(executors().await, (3, 7), "what is configured counts");
    configuration.unset_executors().await.unwrap();
    assert_eq!(executors().await, (3, 4), "and beneath it, what was said last");
    configuration.overseer("mail-1").unwrap().unset_executors().await.unwrap();
    assert_eq!(executors().await, (5, 4));

    let _ = (named.stop().await, other.stop().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_configured_holds_from_the_first_claim_on() {
    let mosquito = memory().await;
    mosquito.configuration().set_executors(3).await.unwrap();
    mosquito.configuration().set_limit("closed", 0).await.unwrap();
    put_long(&mosquito, "closed", 5).await;
    put_long(&mosquito, "long", 5).await;

    let mut working = work(&mosquito, |runner| runner.queues(["closed", "long"]).executors(50));
    tokio::time::sleep(Duration::from_secs(60)).await;

    assert_eq!((pending(&mosquito, "closed").await, pending(&mosquito, "long").await), (0, 3));
    assert_eq!(working.handle.executors(), 3);
    assert_eq!(told(&mut working).await, (3, vec![("closed".into(), 0)]));
    leave(working).await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_holds_whatever_the_adapter_says_and_counts_what_is_at_work_already() {
    let mosquito = memory().await;
    for queue in ["long", "other"] {
        put_long(&mosquito, queue, 20).await;
    }
    let adapter = ConcurrencyLimited::new([("other", 4)]).unwrap().over(StrictOrder::new(["other"]).unwrap());
    let working = work(&mosquito, |runner| runner.queues(["long", "other"]).executors(10).dequeue(adapter));
    let configuration = mosquito.configuration();
    let counts = async || {
        tokio::time::sleep(IN_TIME).await;
        (pending(&mosquito, "long").await, pending(&mosquito, "other").await)
    };
    assert_eq!(counts().await, (6, 4));

    configuration.set_limit("long", 3).await.unwrap();
    configuration.set_executors(20).await.unwrap();
    assert_eq!(counts().await, (6, 4), "six are at work, more than may be: no other begins");
    configuration.set_limit("long", 8).await.unwrap();
    assert_eq!(counts().await, (8, 4), "two more may be");
    configuration.set_limit("other", 9).await.unwrap();
    assert_eq!(counts().await, (8, 9), "also beyond what the adapter says");
    configuration.unset_limit("long").await.unwrap();
    assert_eq!(counts().await, (11, 9), "without a limit it has all executors that are left");

    leave(working).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_with_a_limit_of_0_is_left_to_others_until_it_has_another_one() {
    let mosquito = memory().await;
    mosquito.configuration().overseer("a").unwrap().set_limit("notes", 0).await.unwrap();
    let mut a = work(&mosquito, |runner| runner.queues(["notes"]).name("a"));
    tokio::time::sleep(IN_TIME).await;
    let _ = mosquito.enqueue(Note { word: "held".into() }).await.unwrap();
    tokio::time::sleep(IN_TIME).await;
    assert_eq!(a.log.lines(), Vec::<String>::new());

    mosquito.configuration().overseer("a").unwrap().unset_limit("notes").await.unwrap();
    a.within(IN_TIME, "finished", |event| matches!(event, Event::Finished { .. }).then_some(())).await;

    let _ = a.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_changes_nothing() {
    let mosquito = memory().await;
    let configuration = mosquito.configuration();
    configuration.set_executors(4).await.unwrap();

    let refused = [
        configuration.set_executors(0).await.unwrap_err(),
        configuration.set_executors(100_001).await.unwrap_err(),
        configuration.set_limit("notes", 100_001).await.unwrap_err(),
    ];
    let names = [
        configuration.set_limit("no queue", 1).await.unwrap_err(),
        configuration.unset_limit("").await.unwrap_err(),
        configuration.overseer("a/b").unwrap_err(),
    ];

    assert!(refused.iter().all(|error| matches!(error, Error::Setting { .. })), "{refused:?}");
    assert!(refused[0].to_string().contains("cannot set `all/executors`: 0 executors would perform nothing"));
    assert!(names.iter().all(|error| matches!(error, Error::Name(_))), "{names:?}");
    let read = configuration.read().await.unwrap();
    assert_eq!((read.executors, read.limits), (Some(4), BTreeMap::new()));
    let Err(Error::Build(error)) =
        mosquito.runner().state(crate::working::Log::default()).name("a b").build()
    else {
        panic!("it cannot have that name")
    };
    assert!(error.to_string().contains("`a b` cannot be a name of an overseer"), "{error}");
}

#[tokio::test]
async fn what_is_configured_can_be_read() {
    let mosquito = memory().await;
    let configuration = mosquito.configuration();
    configuration.set_executors(4).await.unwrap();
    configuration.set_limit("notes", 0).await.unwrap();
    for name in ["b", "a"] {
        configuration.overseer(name).unwrap().set_limit("notes", 2).await.unwrap();
    }

    let all = configuration.read().await.unwrap();
    let a = configuration.overseer("a").unwrap().read().await.unwrap();

    let limits = |limit| BTreeMap::from([(QueueName::new("notes").unwrap(), limit)]);
    assert_eq!((all.executors, all.limits, all.unreadable), (Some(4), limits(0), vec![]));
    assert_eq!((a.executors, a.limits), (None, limits(2)));
    let names: Vec<_> = configuration.overseers().await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis_what_another_client_configures_is_followed_in_time_and_what_is_garbled_is_told_once() {
    let server = RedisServer::start();
    let _: i64 =
        server.command(&["HSET", "mosquito:configuration", "all/executors", "lots", "nonsense", "1"]);
    let mut working = follows_in_time(&server.url()).await;

    let mut complaints = Vec::new();
    while let Ok(event) = tokio::time::timeout(Duration::from_millis(1), working.events.next()).await {
        if let Some(Event::ConfigurationUnreadable { reason }) = event {
            complaints.push(reason);
        }
    }
    let _ = working.stop().await;
    complaints.sort();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[0].starts_with("`nonsense` is no setting"), "{complaints:?}");
    assert!(
        complaints[1].contains("`all/executors` counts for nothing: it is no whole number"),
        "{complaints:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_what_another_process_configures_is_followed_in_time() {
    let files = tempfile::tempdir().unwrap();
    let working = follows_in_time(&format!("sqlite://{}/jobs.db", files.path().display())).await;
    let _ = working.stop().await;
}

async fn follows_in_time(url: &str) -> Working {
    let (mosquito, operator) = (Mosquito::connect(url).await.unwrap(), Mosquito::connect(url).await.unwrap());
    let working = work(&mosquito, |runner| runner.queues(["notes"]).executors(2).name("one"));
    let configuration = operator.configuration().overseer("one").unwrap();
    let has = |executors: usize| {
        let handle = working.handle.clone();
        eventually("it follows", IN_TIME, move || {
            let now = handle.executors();
            async move { if now == executors { Ok(()) } else { Err(now) } }
        })
    };
    has(2).await;

    configuration.set_executors(6).await.unwrap();
    has(6).await;
    configuration.unset_executors().await.unwrap();
    has(2).await;

    working
}
