//! A connection for one user at a time.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, Pipeline, RedisFuture, RedisResult, Value};

use super::errors;
use super::link::{Idle, Link};
use super::route::{Next, REDIRECTIONS, Route, What, complaint, only};

/// A connection to the server that holds a key, for one user, who gives it back when all went well. Dropped otherwise,
/// and with it whatever its server was still to do: nobody can get the answer to somebody else's question.
pub(in crate::backend::redis) struct Lent {
    route: Route,
    link: Arc<Link>,
    idle: Idle,
    generation: u64,
    patience: Option<Duration>,
}

impl Lent {
    pub(super) async fn new(route: Route) -> RedisResult<Self> {
        let link = route.link().await?;
        let (idle, generation) = link.own().await?;
        Ok(Self { route, link, idle, generation, patience: None })
    }

    /// How long an answer may take from now on; five seconds until this is called.
    pub(in crate::backend::redis) fn set_patience(&mut self, patience: Duration) {
        self.idle.connection.set_response_timeout(patience);
        self.patience = Some(patience);
    }

    /// Keeps it for the next one who asks. Only after everything that was sent was answered.
    pub(in crate::backend::redis) fn give_back(self) {
        self.link.keep(self.idle, self.generation);
    }

    /// The server that it leads to.
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The number that its server knows it by.
    pub(super) async fn id(&mut self) -> RedisResult<u64> {
        if let Some(id) = self.idle.id {
            return Ok(id);
        }
        let answer = self.ask_here(What::Command(::redis::cmd("CLIENT").arg("ID"))).await?;
        let id = ::redis::FromRedisValue::from_redis_value(only(answer)?)?;
        self.idle.id = Some(id);
        Ok(id)
    }

    /// Asks this server, and goes to no other when it says so; the next who comes will.
    pub(super) async fn ask_here(&mut self, what: What<'_>) -> RedisResult<Vec<Value>> {
        let answer = what.over(&mut self.idle.connection).await;
        if let Some(error) = complaint(&answer) {
            if errors::ends_connection(&error) {
                self.link.failed(self.generation);
            }
            self.route.learn(&error, self.link.node());
        }
        answer
    }

    async fn send(&mut self, what: What<'_>) -> RedisResult<Vec<Value>> {
        let mut left = REDIRECTIONS;
        loop {
            let answer = what.over(&mut self.idle.connection).await;
            let Some(error) = complaint(&answer) else { return answer };
            if errors::ends_connection(&error) {
                self.link.failed(self.generation);
            }
            match self.route.learn(&error, self.link.node()) {
                Next::Again if left > 0 => (),
                _ => return answer,
            }
            left -= 1;
            let patience = self.patience;
            *self = Self::new(self.route.clone()).await?;
            if let Some(patience) = patience {
                self.set_patience(patience);
            }
        }
    }
}

impl ConnectionLike for Lent {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move { self.send(What::Command(command)).await.and_then(only) })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.send(What::Pipeline(pipeline, offset, count)))
    }

    fn get_db(&self) -> i64 {
        self.idle.connection.get_db()
    }
}
