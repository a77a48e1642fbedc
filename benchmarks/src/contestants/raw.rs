//! Redis itself, as the limit: a list that is pushed to and popped from, with nothing around it and nothing acknowledged.
//!
//! One connection that all tasks share, as the driver recommends. With one executor a run is an `RPOP`; with more, `LMPOP` takes as many as there
//! are executors.

use std::sync::Arc;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;

use crate::assignment::{Arguments, Work};
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::Ledger;

pub(crate) struct Raw;

/// The list.
const LIST: &str = "raw";
/// A pipeline of so many keeps both sides busy.
const PIPELINE: usize = 1_000;

#[async_trait]
impl Contestant for Raw {
    fn facts(&self) -> Facts {
        Facts {
            name: "raw Redis",
            package: "redis",
            acks: Acks::Limit,
            settings: "`LPUSH` and `LMPOP` on one connection, pipelines of 1,000 for bulk; no job system, nothing is acknowledged",
            bulk: true,
            most_waiting: None,
        }
    }

    fn lacks(&self, work: Work) -> Option<&'static str> {
        (work != Work::Plain).then_some("no job system")
    }

    /// What was popped is nobody's: nothing is acknowledged.
    fn left(&self) -> Vec<Count> {
        vec![Count::Of("LLEN", LIST)]
    }

    async fn client(&self, url: &str, _: Work) -> Result<Arc<dyn Client>, Failure> {
        Ok(Arc::new(Pusher { redis: connect(url).await? }))
    }

    async fn work(&self, url: &str, _: Work, executors: usize, ledger: Arc<Ledger>) -> Result<(), Failure> {
        let mut redis = connect(url).await?;
        loop {
            // BLMPOP waits for the first push: nobody polls.
            let popped: Option<(String, Vec<Vec<u8>>)> = redis::cmd("BLMPOP")
                .arg(0)
                .arg(1)
                .arg(LIST)
                .arg("RIGHT")
                .arg("COUNT")
                .arg(executors)
                .query_async(&mut redis)
                .await?;
            for run in popped.map(|(_, runs)| runs).unwrap_or_default() {
                ledger.note(&serde_json::from_slice::<Arguments>(&run)?);
            }
        }
    }
}

/// Without a deadline for answers: it waits for pushes, and a busy machine is no failure.
async fn connect(url: &str) -> Result<MultiplexedConnection, Failure> {
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    Ok(redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?)
}

struct Pusher {
    redis: MultiplexedConnection,
}

#[async_trait]
impl Client for Pusher {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        let mut push = redis::cmd("LPUSH");
        push.arg(LIST).arg(serde_json::to_vec(&run)?);
        push.query_async::<()>(&mut self.redis.clone()).await?;
        Ok(())
    }

    async fn bulk(&self, runs: Vec<Arguments>) -> Result<(), Failure> {
        for runs in runs.chunks(PIPELINE) {
            let mut pipeline = redis::pipe();
            for run in runs {
                pipeline.cmd("LPUSH").arg(LIST).arg(serde_json::to_vec(run)?).ignore();
            }
            pipeline.query_async::<()>(&mut self.redis.clone()).await?;
        }
        Ok(())
    }
}
