//! Sidekiq's protocol in Rust (crate `rusty-sidekiq`; its version stands in Cargo.lock).
//!
//! - `num_workers` is the number of executors. The pool has a connection for each, which blocks in `BRPOP`, and some more; the pool of the client has
//!   64, one for each task that enqueues.
//! - There is no bulk enqueue in its API; where others use theirs, 64 tasks enqueue at the same time.
//! - Runs are popped and not acknowledged: what a process that dies had popped is lost.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sidekiq::{Processor, ProcessorConfig, RedisConnectionManager, RedisPool, WorkerOpts};

use crate::assignment::{Arguments, Work};
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::Ledger;

pub(crate) struct Sidekiq;

/// Connections beyond one for each executor: heartbeats, and what is noted of a run while another fetches.
const SPARE: u32 = 16;
/// For how long a key is unique: longer than a round.
const UNIQUE: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Note(Arc<Ledger>);

#[async_trait]
impl sidekiq::Worker<Arguments> for Note {
    fn opts() -> WorkerOpts<Arguments, Self> {
        WorkerOpts::new().queue("bench")
    }

    async fn perform(&self, run: Arguments) -> sidekiq::Result<()> {
        self.0.note(&run);
        Ok(())
    }
}

async fn pool(url: &str, connections: u32) -> Result<RedisPool, Failure> {
    let manager = RedisConnectionManager::new(url)?;
    Ok(bb8::Pool::builder().max_size(connections).build(manager).await?)
}

#[async_trait]
impl Contestant for Sidekiq {
    fn facts(&self) -> Facts {
        Facts {
            name: "rusty-sidekiq",
            package: "rusty-sidekiq",
            acks: Acks::No,
            settings: "a connection for each executor; no bulk enqueue, so 64 tasks fill the queue; nothing is acknowledged",
            bulk: false,
            most_waiting: None,
        }
    }

    fn lacks(&self, work: Work) -> Option<&'static str> {
        match work {
            Work::Plain | Work::Unique => None,
            Work::Retry => Some("tries again after 15 s or more, 10 runs every 5 s"),
            Work::Limited => Some("has no limits"),
            Work::Scheduled => Some("promotes 10 runs every 5 s"),
        }
    }

    /// What was popped is nobody's. A worker says in a hash of its process what it is performing, and takes that out behind it.
    fn left(&self) -> Vec<Count> {
        vec![Count::Of("LLEN", "queue:bench"), Count::Each("HLEN", "*:work")]
    }

    async fn client(&self, url: &str, work: Work) -> Result<Arc<dyn Client>, Failure> {
        Ok(Arc::new(Enqueuer { redis: pool(url, 64).await?, work }))
    }

    async fn work(&self, url: &str, _: Work, executors: usize, ledger: Arc<Ledger>) -> Result<(), Failure> {
        let redis = pool(url, executors as u32 + SPARE).await?;
        let config = ProcessorConfig::default().num_workers(executors);
        let mut processor = Processor::new(redis, vec!["bench".into()]).with_config(config);
        processor.register(Note(ledger));
        processor.run().await;
        Ok(())
    }
}

struct Enqueuer {
    redis: RedisPool,
    work: Work,
}

#[async_trait]
impl Client for Enqueuer {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        let options = <Note as sidekiq::Worker<Arguments>>::opts();
        let options = match self.work {
            Work::Unique => options.unique_for(UNIQUE),
            _ => options,
        };
        Ok(options.perform_async(&self.redis, run).await?)
    }

    async fn bulk(&self, _: Vec<Arguments>) -> Result<(), Failure> {
        Err("rusty-sidekiq has no bulk enqueue".into())
    }
}
