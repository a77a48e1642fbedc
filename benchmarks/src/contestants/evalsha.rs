//! The limit of enqueueing one by one: a bare loop of `EVALSHA`, by the same driver, of a script that does what an enqueue has to.
//!
//! It stands beside mosquito's, to show what its client costs; it performs nothing.

use std::sync::Arc;

use async_trait::async_trait;
use redis::Script;
use redis::aio::MultiplexedConnection;

use crate::assignment::{Arguments, Work};
use crate::contestants::{Acks, Client, Contestant, Count, Facts, Failure};
use crate::ledger::Ledger;

pub(crate) struct Evalsha;

/// As many keys as mosquito's enqueue has, and as long.
const KEYS: [&str; 5] = [
    "evalsha_:{bench}:waiting",
    "evalsha_:{bench}:scheduled",
    "evalsha_:{bench}:runs",
    "evalsha_:{bench}:wake",
    "evalsha_:{bench}:due",
];

#[async_trait]
impl Contestant for Evalsha {
    fn facts(&self) -> Facts {
        Facts {
            name: "bare EVALSHA",
            package: "redis",
            acks: Acks::Limit,
            settings: "a script that does what mosquito's enqueue does, in a loop",
            bulk: false,
            most_waiting: None,
        }
    }

    fn lacks(&self, work: Work) -> Option<&'static str> {
        (work != Work::Plain).then_some("no job system")
    }

    fn left(&self) -> Vec<Count> {
        vec![Count::Of("LLEN", KEYS[0])]
    }

    async fn client(&self, url: &str, _: Work) -> Result<Arc<dyn Client>, Failure> {
        let redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        Ok(Arc::new(Caller { redis, script: Script::new(include_str!("evalsha.lua")) }))
    }

    async fn work(&self, _: &str, _: Work, _: usize, _: Arc<Ledger>) -> Result<(), Failure> {
        Err("it performs nothing".into())
    }
}

struct Caller {
    redis: MultiplexedConnection,
    script: Script,
}

#[async_trait]
impl Client for Caller {
    async fn one(&self, run: Arguments) -> Result<(), Failure> {
        // As long as an id and an envelope of mosquito's.
        let id = format!("01977e3a-0000-7000-8000-{:012}", run.id);
        let envelope = format!(r#"{{"v":1,"job":"plain","args":{}}}"#, serde_json::to_string(&run)?);
        let mut call = self.script.prepare_invoke();
        for key in KEYS {
            call.key(key);
        }
        call.arg(id).arg(envelope).arg("");
        let _: Vec<i64> = call.invoke_async(&mut self.redis.clone()).await?;
        Ok(())
    }

    async fn bulk(&self, _: Vec<Arguments>) -> Result<(), Failure> {
        Err("it has no bulk enqueue".into())
    }
}
