//! oxana (crate `oxana`; its version stands in Cargo.lock).
//!
//! - Concurrency is that of the queue. `max_pool_size` is the number of executors and some more, and 64 for the client that enqueues with 64 tasks: each
//!   call takes a connection out of the pool, and the default of 50 is too few for 100 executors. They wait for one as long as it takes: the
//!   default of 300 ms makes errors on a busy machine.
//! - `dequeue_timeout` is 1 ms: an idle queue is looked at that often, where the default is 10 s. This is what its latency is measured with, and what
//!   its commands of an idle worker come from.
//! - `retry_poll_interval` and `schedule_poll_interval` are 10 ms, where the default is 300 ms; `retry_delay` is 0.
//! - Bulk is `enqueue_list`, which cuts what it is given into chunks by itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oxana::{BatchItem, FromContext, Storage, StorageBuilderTimeouts};
use serde::{Deserialize, Serialize};

use crate::assignment::{Arguments, Work};
use crate::clock;
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::{Ledger, Told};

pub(crate) struct Oxana;

/// Connections beyond one for each executor: heartbeats, promotion, results.
const SPARE: usize = 14;

#[derive(Serialize, oxana::Queue)]
#[oxana(key = "bench")]
struct Plain;

#[derive(Serialize, oxana::Queue)]
#[oxana(key = "bench", throttle(window_ms = 1000, limit = 1000000))]
struct Throttled;

#[derive(Debug, Deserialize, Serialize)]
struct Run(Arguments);

#[derive(Debug, Deserialize, Serialize)]
struct UniqueRun(Arguments);

impl oxana::Job for Run {}

impl oxana::Job for UniqueRun {
    fn unique_id(&self) -> Option<String> {
        Some(self.0.id.to_string())
    }
}

#[derive(Clone)]
struct Shared(Arc<Ledger>);

struct Worker(Arc<Ledger>);

impl FromContext<Shared> for Worker {
    fn from_context(Shared(ledger): &Shared) -> Self {
        Self(ledger.clone())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("fails once")]
struct FailsOnce;

impl Worker {
    fn note(&self, run: &Arguments) -> Result<(), FailsOnce> {
        match self.0.note(run) {
            Told::Succeed => Ok(()),
            Told::Fail => Err(FailsOnce),
        }
    }
}

#[async_trait]
impl oxana::Worker<Run> for Worker {
    type Error = FailsOnce;

    async fn run_batch(&self, runs: Vec<BatchItem<Run>>) -> Result<(), FailsOnce> {
        runs.iter().try_for_each(|run| self.note(&run.job.0))
    }

    fn max_retries(&self, _: &Run) -> u32 {
        3
    }

    fn retry_delay(&self, _: &Run, _: u32) -> u64 {
        0
    }
}

#[async_trait]
impl oxana::Worker<UniqueRun> for Worker {
    type Error = FailsOnce;

    async fn run_batch(&self, runs: Vec<BatchItem<UniqueRun>>) -> Result<(), FailsOnce> {
        runs.iter().try_for_each(|run| self.note(&run.job.0))
    }
}

fn storage(url: &str, connections: usize) -> Result<Storage, Failure> {
    let timeouts = StorageBuilderTimeouts::new(Duration::from_secs(30));
    Ok(Storage::builder().max_pool_size(connections).timeouts(timeouts).build_from_redis_url(url)?)
}

#[async_trait]
impl Contestant for Oxana {
    fn facts(&self) -> Facts {
        Facts {
            name: "oxana",
            package: "oxana",
            acks: Acks::Yes,
            settings: "idle queues looked at every 1 ms (default 10 s), due runs every 10 ms (300 ms), a connection for each executor, \
                       `enqueue_list` for bulk",
            bulk: true,
            most_waiting: None,
        }
    }

    fn lacks(&self, _: Work) -> Option<&'static str> {
        None
    }

    /// Every job stands in the hash `jobs` from its enqueue until it is acknowledged, and in a list of its process meanwhile.
    fn left(&self) -> Vec<Count> {
        vec![
            Count::Of("HLEN", "oxanus:jobs"),
            Count::Of("LLEN", "oxanus:queue:bench"),
            Count::Each("LLEN", "oxanus:processing:*"),
        ]
    }

    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure> {
        Ok(Arc::new(Enqueuer { storage: storage(url, 64)?, work }))
    }

    async fn work(
        &self,
        url: &str,
        work: Work,
        executors: usize,
        ledger: Arc<Ledger>,
    ) -> Result<(), Failure> {
        let storage = storage(url, executors + SPARE)?;
        let runtime = storage
            .runtime(Shared(ledger))
            .dequeue_timeout(Duration::from_millis(1))
            .retry_poll_interval(Duration::from_millis(10))
            .schedule_poll_interval(Duration::from_millis(10))
            .worker::<Worker, Run>()
            .worker::<Worker, UniqueRun>();
        let runtime = match work {
            Work::Limited => runtime.queue_with_concurrency::<Throttled>(executors),
            _ => runtime.queue_with_concurrency::<Plain>(executors),
        };
        runtime.run().await?;
        Ok(())
    }
}

struct Enqueuer {
    storage: Storage,
    work: Work,
}

#[async_trait]
impl Client for Enqueuer {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        match self.work {
            Work::Unique => self.storage.enqueue(Plain, UniqueRun(run)).await?,
            Work::Scheduled => {
                let due = chrono::Utc::now() + clock::until(run.at);
                self.storage.enqueue_at(Plain, Run(run), due).await?
            }
            _ => self.storage.enqueue(Plain, Run(run)).await?,
        };
        Ok(())
    }

    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        match self.work {
            Work::Unique => self.storage.enqueue_list(Plain, runs.into_iter().map(UniqueRun)).await?,
            _ => self.storage.enqueue_list(Plain, runs.into_iter().map(Run)).await?,
        };
        Ok(())
    }
}
