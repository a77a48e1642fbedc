//! apalis on Redis (crates `apalis` and `apalis-redis`; their versions stand in Cargo.lock).
//!
//! - `concurrency` is the number of executors, each run on a task of its own (`parallelize`), without which one run at a time is polled.
//! - `batch_size` is the number of executors, at least the default of 10: so many are fetched by one script.
//! - `lock_tasks(false)`, as its documentation says for tasks that last shorter than a heartbeat; `emit_events(false)`, as nobody listens.
//!   `persist_results` stays on: without it nothing is acknowledged.
//! - It looks for runs every 1 ms when idle: without a strategy an idle worker looks again at its next heartbeat, after 30 s. The strategy is one of our
//!   own ([`Often`]), by `poll_with_strategy`: that of `poll_with_interval` forgets to wake the worker when a fetch takes longer than the interval.
//! - Retries are by its `retry` layer, which tries again at once in the same process.
//! - An answer may take a minute: by default a connection gives up after half a second, which is too short for a machine that writes a log.
//! - Bulk is `push_bulk`.
//! - All pushes go through its set of scheduled runs, and each fetch moves everything that is due with one `unpack`: with more than about 8,000
//!   due runs that fails for good ("too many results to unpack"), and the worker stops. So it is never given more than 7,000 at once.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::{
    BackendExt, BoxDynError, Data, ParallelizeExt, PollSnapshot, PollStrategy, RetryPolicy, TaskBuilder,
    TaskSink, WorkerBuilder, WorkerBuilderExt,
};
use apalis_redis::{Config, RedisStorage};
use async_trait::async_trait;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::assignment::{Arguments, Work};
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::{Ledger, Told};

pub(crate) struct Apalis;

/// For how long a key is unique: longer than a round. Without a time it is forgotten at once.
const UNIQUE: Duration = Duration::from_secs(600);

/// Wakes the worker again and again.
struct Often {
    ticks: Interval,
}

impl Often {
    fn every(pause: Duration) -> Self {
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks }
    }
}

impl PollStrategy for Often {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        // Until it is pending: only then is the worker's waker known to the timer.
        while self.ticks.poll_tick(cx).is_ready() {}
        Poll::Pending
    }
}

fn config() -> Config {
    Config::default().queue("bench").lock_tasks(false).emit_events(false).idempotency_ttl(Some(UNIQUE))
}

/// As `apalis_redis::connect`, but for the time that an answer may take.
async fn connect(url: &str) -> Result<ConnectionManager, Failure> {
    let config = ConnectionManagerConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
    Ok(redis::Client::open(url)?.get_connection_manager_with_config(config).await?)
}

async fn note(run: Arguments, ledger: Data<Arc<Ledger>>) -> Result<(), BoxDynError> {
    match ledger.note(&run) {
        Told::Succeed => Ok(()),
        Told::Fail => Err("fails once".into()),
    }
}

#[async_trait]
impl Contestant for Apalis {
    fn facts(&self) -> Facts {
        Facts {
            name: "apalis-redis",
            package: "apalis-redis",
            acks: Acks::Yes,
            settings: "batches as large as there are executors, no locks and no events, looks for runs every 1 ms when idle, `push_bulk` for \
                       bulk; the retry layer",
            bulk: true,
            most_waiting: Some((7_000, "with more than about 8,000 due runs its fetch fails")),
        }
    }

    fn lacks(&self, work: Work) -> Option<&'static str> {
        match work {
            Work::Limited => Some("limits only its own process"),
            Work::Scheduled => Some("knows whole seconds only, and begins up to one too early"),
            Work::Plain | Work::Retry | Work::Unique => None,
        }
    }

    /// A run is scheduled, then active, then in the set of its worker until its result is stored.
    fn left(&self) -> Vec<Count> {
        vec![
            Count::Of("ZCARD", "bench:scheduled"),
            Count::Of("LLEN", "bench:active"),
            Count::Of("SCARD", "bench:inflight:worker"),
        ]
    }

    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure> {
        let storage = RedisStorage::new(connect(url).await?).with_config(config());
        Ok(Arc::new(Enqueuer { storage, work }))
    }

    async fn work(
        &self,
        url: &str,
        work: Work,
        executors: usize,
        ledger: Arc<Ledger>,
    ) -> Result<(), Failure> {
        let redis = connect(url).await?;
        let storage: RedisStorage<Arguments> =
            RedisStorage::new(redis).with_config(config().batch_size(executors.max(10)));
        let worker = WorkerBuilder::new("worker")
            .backend(storage.poll_with_strategy(Often::every(Duration::from_millis(1))))
            .data(ledger)
            .concurrency(executors);
        // On a thread of its own beside the runtime's, as `main` of its examples is: its future cannot be shown to be `Send`.
        block_in_place(|| {
            let runtime = Handle::current();
            match work {
                Work::Retry => {
                    let worker = worker.retry(RetryPolicy::retries(3)).parallelize(tokio::spawn);
                    runtime.block_on(worker.build(note).run())
                }
                _ => runtime.block_on(worker.parallelize(tokio::spawn).build(note).run()),
            }
        })?;
        Ok(())
    }
}

struct Enqueuer {
    storage: RedisStorage<Arguments>,
    work: Work,
}

#[async_trait]
impl Client for Enqueuer {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        let mut storage = self.storage.clone();
        match self.work {
            Work::Unique => {
                let key = run.id.to_string();
                storage.push_task(TaskBuilder::new(run).idempotency_key(key).build()).await?;
            }
            _ => storage.push(run).await?,
        }
        Ok(())
    }

    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        let mut storage = self.storage.clone();
        if self.work == Work::Unique {
            let task = |run: Arguments| {
                let key = run.id.to_string();
                TaskBuilder::new(run).idempotency_key(key).build()
            };
            let tasks: Vec<_> = runs.into_iter().map(task).collect();
            storage.push_all(futures_util::stream::iter(tasks)).await?;
        } else {
            storage.push_bulk(runs).await?;
        }
        Ok(())
    }
}
