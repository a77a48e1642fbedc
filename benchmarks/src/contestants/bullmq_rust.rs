//! BullMQ's own port to Rust (crate `bullmq-official`; its version stands in Cargo.lock).
//!
//! Of the two ports on crates.io this is the one that BullMQ's authors keep.
//!
//! - `concurrency` is the number of executors; `remove_on_complete` is on, as BullMQ's guide recommends for production.
//! - Bulk is `add_bulk`, 1,000 at a time: it sends all it is given at once over one connection.
//! - A worker's events are taken out of its channel, which would otherwise grow with each run.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bullmq::options::RedisConnectionOptions;
use bullmq::types::RemoveOnFinish;
use bullmq::worker::CancellationToken;
use bullmq::{
    BulkJob, DeduplicationOptions, Job, JobOptions, Queue, QueueOptions, RateLimiterOptions, Worker,
    WorkerOptions,
};

use crate::assignment::{Arguments, Work};
use crate::clock;
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::{Ledger, Told};

pub(crate) struct BullmqRust;

/// So many in one `add_bulk`.
const CHUNK: usize = 1_000;

#[async_trait]
impl Contestant for BullmqRust {
    fn facts(&self) -> Facts {
        Facts {
            name: "BullMQ (Rust)",
            package: "bullmq-official",
            acks: Acks::Yes,
            settings: "`remove_on_complete`, `add_bulk` of 1,000 for bulk",
            bulk: true,
            most_waiting: None,
        }
    }

    fn lacks(&self, _: Work) -> Option<&'static str> {
        None
    }

    /// A job is in one of these until it is completed, and the script that completes it takes it out of `active`.
    fn left(&self) -> Vec<Count> {
        left()
    }

    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure> {
        let options = QueueOptions::default().connection(connection(url));
        Ok(Arc::new(Enqueuer { queue: Queue::with_options("bench", options).await?, work }))
    }

    async fn work(
        &self,
        url: &str,
        work: Work,
        executors: usize,
        ledger: Arc<Ledger>,
    ) -> Result<(), Failure> {
        let mut options = WorkerOptions::default()
            .connection(connection(url))
            .concurrency(executors)
            .remove_on_complete(RemoveOnFinish::Bool(true));
        if work == Work::Limited {
            options = options.limiter(RateLimiterOptions::new(1_000_000, Duration::from_secs(1)));
        }
        let note = move |job: Job, _: CancellationToken| {
            let ledger = ledger.clone();
            async move {
                let run: Arguments = serde_json::from_value(job.data().clone())?;
                match ledger.note(&run) {
                    Told::Succeed => Ok(serde_json::Value::Null),
                    Told::Fail => Err(bullmq::Error::ProcessingError("fails once".into())),
                }
            }
        };
        let worker = Worker::with_options("bench", note, options).await?;
        while worker.next_event().await.is_some() {}
        Ok(())
    }
}

/// Where BullMQ's scripts keep what is not completed, on Node as in Rust.
pub(crate) fn left() -> Vec<Count> {
    vec![
        Count::Of("LLEN", "bull:bench:wait"),
        Count::Of("LLEN", "bull:bench:active"),
        Count::Of("ZCARD", "bull:bench:delayed"),
        Count::Of("ZCARD", "bull:bench:prioritized"),
    ]
}

fn connection(url: &str) -> RedisConnectionOptions {
    RedisConnectionOptions::new().url(url)
}

struct Enqueuer {
    queue: Queue,
    work: Work,
}

impl Enqueuer {
    fn options(&self, run: &Arguments) -> JobOptions {
        let mut options = JobOptions::default();
        match self.work {
            Work::Retry => options.attempts = Some(3),
            Work::Unique => {
                options.deduplication = Some(DeduplicationOptions {
                    id: run.id.to_string(),
                    ttl: None,
                    extend: None,
                    replace: None,
                    keep_last_if_active: None,
                });
            }
            Work::Scheduled => options.delay = Some(clock::until(run.at).as_millis() as u64),
            Work::Plain | Work::Limited => {}
        }
        options
    }
}

#[async_trait]
impl Client for Enqueuer {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        let options = self.options(&run);
        self.queue.add("note", run).options(options).await?;
        Ok(())
    }

    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        for runs in runs.chunks(CHUNK) {
            let jobs = runs.iter().map(|run| BulkJob::with_options("note", run, self.options(run)));
            self.queue.add_bulk(jobs.collect()).await?;
        }
        Ok(())
    }
}
