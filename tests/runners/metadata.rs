//! What job types keep for themselves in the store.

use std::collections::BTreeMap;

use mosquito::{Context, Error, JobResult, Mosquito, Perform, job, serde_json};
use mosquito_tests::RedisServer;

use crate::working::{memory, work};

/// Counts its runs, and remembers the last of them.
#[job(queue = "counted", name = "counted", aliases("counted_before"))]
struct Counted {
    number: u32,
}

impl Perform for Counted {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let metadata = cx.metadata();
        metadata.increment("runs", 1).await?;
        metadata.set("last", &self.number).await?;
        let remember = |seen: Option<Vec<u32>>| {
            let mut seen = seen.unwrap_or_default();
            seen.push(self.number);
            Some(seen)
        };
        metadata.update("seen", remember).await?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn in_memory_each_run_of_many_at_once_counts() {
    each_run_counts("memory://", 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis_each_run_of_many_at_once_counts() {
    let server = RedisServer::start();
    each_run_counts(&server.url(), 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_each_run_of_many_at_once_counts() {
    let files = tempfile::tempdir().unwrap();
    each_run_counts(&format!("sqlite://{}/jobs.db", files.path().display()), 60).await;
}

async fn each_run_counts(url: &str, runs: u32) {
    let mosquito = Mosquito::connect(url).await.unwrap();
    let mut workers: Vec<_> = (0..2)
        .map(|_| work(&mosquito, |runner| runner.queues(["counted"]).executors(10).max_crashes(3)))
        .collect();
    let _ = mosquito.enqueue_all((0..runs).map(|number| Counted { number })).await.unwrap();
    // Both are told of all: they are of one client.
    workers[0].finished(runs as usize).await;

    let metadata = mosquito.metadata::<Counted>().unwrap();
    assert_eq!(metadata.get::<u32>("runs").await.unwrap(), Some(runs));
    let mut seen: Vec<u32> = metadata.get("seen").await.unwrap().unwrap();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..runs), "no change was lost");
    assert!(metadata.get::<u32>("last").await.unwrap().is_some_and(|last| last < runs));
    let by_name = mosquito.metadata_of("counted").unwrap().all().await.unwrap();
    assert!(by_name.keys().eq(["last", "runs", "seen"]), "{by_name:?}");
    for working in workers {
        assert_eq!(working.stop().await.failed, 0);
    }
}

#[tokio::test]
async fn values_are_what_serde_makes_of_them() {
    let metadata = memory().await.metadata_of("anything").unwrap();

    metadata.set("text", "ünïcode \"quoted\"").await.unwrap();
    metadata.set("map", &BTreeMap::from([("a", 1.5), ("b", 2.0)])).await.unwrap();
    metadata.set("nothing", &None::<u8>).await.unwrap();

    assert_eq!(metadata.get::<String>("text").await.unwrap().as_deref(), Some("ünïcode \"quoted\""));
    assert_eq!(metadata.get::<BTreeMap<String, f64>>("map").await.unwrap().unwrap()["a"], 1.5);
    assert_eq!(metadata.get::<Option<u8>>("nothing").await.unwrap(), Some(None), "a null is a value");
    assert_eq!(metadata.get::<u8>("none").await.unwrap(), None);
    assert_eq!(metadata.all().await.unwrap()["map"], serde_json::json!({"a": 1.5, "b": 2.0}));
    assert!(metadata.remove("map").await.unwrap());
    assert!(!metadata.remove("map").await.unwrap());
    assert!(!metadata.set_if_absent("text", "another").await.unwrap());
    assert!(metadata.set_if_absent("map", "another").await.unwrap());
    let gone = metadata.update("map", |value: Option<String>| value.filter(|value| value != "another")).await;
    assert_eq!(gone.unwrap(), None, "what is made nothing of is removed");
    assert_eq!(metadata.get::<String>("map").await.unwrap(), None);
}

#[tokio::test]
async fn what_cannot_be_says_why_and_changes_nothing() {
    let metadata = memory().await.metadata_of("anything").unwrap();
    metadata.set("word", "one").await.unwrap();
    metadata.set("large", &i64::MAX).await.unwrap();
    let long = "x".repeat(8 * 1024);
    let refusals = [
        (metadata.increment("word", 1).await.unwrap_err(), "is no whole number that could be added to"),
        (metadata.increment("large", 1).await.unwrap_err(), "larger or smaller than a number of 64 bits"),
        (metadata.get::<u8>("word").await.unwrap_err(), "does not decode as `u8`"),
        (metadata.set("word", &long).await.unwrap_err(), "would take 8194 bytes: up to 8192 may be"),
        (metadata.set("", "x").await.unwrap_err(), "has a key of 0 bytes: from 1 to 256 may be"),
        (metadata.get::<u8>(&"k".repeat(257)).await.unwrap_err(), "has a key of 257 bytes"),
        (metadata.set("word", &BTreeMap::from([((1, 2), 3)])).await.unwrap_err(), "does not serialize"),
    ];

    for (error, why) in refusals {
        assert!(matches!(error, Error::Metadata { .. }) && !error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("of job `anything` "), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(metadata.get::<String>("word").await.unwrap().as_deref(), Some("one"));
    assert_eq!(metadata.get::<i64>("large").await.unwrap(), Some(i64::MAX));
    for n in 2..1_000 {
        metadata.set(&format!("key-{n}"), &n).await.unwrap();
    }
    let full = metadata.increment("one more", 1).await.unwrap_err();
    assert!(full.to_string().contains("is one too many: there are 1000 already"), "{full}");
}
