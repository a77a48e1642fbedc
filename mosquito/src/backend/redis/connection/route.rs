//! Leads to the server that holds a key.

use std::sync::Arc;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value};

use super::cluster::Cluster;
use super::errors::{self, Elsewhere};
use super::link::{Link, Live};
use super::location::Node;

/// How often a call follows a server that sends it to another one. Each time the map has become better.
pub(super) const REDIRECTIONS: usize = 4;

#[derive(Clone)]
pub(super) enum Route {
    /// One server, or one master, has all keys.
    All(Arc<Link>),
    /// Whoever holds this slot.
    Slot(Arc<Cluster>, u16),
}

impl Route {
    pub(super) async fn link(&self) -> RedisResult<Arc<Link>> {
        match self {
            Self::All(link) => Ok(link.clone()),
            Self::Slot(cluster, slot) => cluster.link(*slot).await,
        }
    }

    /// Learns from an answer that was an error, and says where to go on if it says so.
    pub(super) fn learn(&self, error: &RedisError, asked: &Node) -> Next {
        let Self::Slot(cluster, _) = self else { return Next::Tell };
        match errors::elsewhere(error, asked) {
            Some(Elsewhere::Moved(slot, node)) => {
                cluster.moved(slot, &node);
                Next::Again
            }
            Some(Elsewhere::Ask(node)) => Next::Ask(cluster.server(&node)),
            None => Next::Tell,
        }
    }
}

/// What to do about an error.
pub(super) enum Next {
    /// Tell the caller.
    Tell,
    /// Ask the server that holds the slot, by the map as it is now.
    Again,
    /// Ask this one, which is about to take the slot over and has some of its keys already.
    Ask(Arc<Link>),
}

/// Sends commands to the server that holds a key, for one call.
pub(in crate::backend::redis) struct Commands {
    route: Route,
    /// Where this call was sent for once.
    detour: Option<Arc<Link>>,
}

impl Commands {
    pub(super) fn new(route: Route) -> Self {
        Self { route, detour: None }
    }

    async fn send(&mut self, what: What<'_>) -> RedisResult<Vec<Value>> {
        let mut left = REDIRECTIONS;
        loop {
            let link = match &self.detour {
                Some(link) => link.clone(),
                None => self.route.link().await?,
            };
            let Live { mut connection, node, generation } = link.shared().await?;
            let answer = match &self.detour {
                Some(_) => what.over_detour(&mut connection).await,
                None => what.over(&mut connection).await,
            };
            let Some(error) = complaint(&answer) else { return answer };
            if errors::ends_connection(&error) {
                link.failed(generation);
            }
            match self.route.learn(&error, &node) {
                _ if left == 0 => return answer,
                Next::Tell => return answer,
                Next::Again => self.detour = None,
                // Each command of a transaction would have to be announced by itself.
                Next::Ask(_) if !what.can_take_detour() => return answer,
                Next::Ask(link) => self.detour = Some(link),
            }
            left -= 1;
        }
    }
}

/// What the server complains of, in an answer or within one.
pub(super) fn complaint(answer: &RedisResult<Vec<Value>>) -> Option<RedisError> {
    match answer {
        Ok(values) => values.iter().find_map(|value| match value {
            Value::ServerError(error) => Some(error.clone().into()),
            _ => None,
        }),
        Err(error) => Some(error.clone()),
    }
}

/// What is sent at once.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline, usize, usize),
}

impl What<'_> {
    pub(super) async fn over(self, connection: &mut MultiplexedConnection) -> RedisResult<Vec<Value>> {
        match self {
            Self::Command(command) => connection.send_packed_command(command).await.map(|value| vec![value]),
            Self::Pipeline(pipeline, offset, count) => {
                connection.send_packed_commands(pipeline, offset, count).await
            }
        }
    }

    fn can_take_detour(self) -> bool {
        matches!(self, Self::Command(_))
    }

    async fn over_detour(self, connection: &mut MultiplexedConnection) -> RedisResult<Vec<Value>> {
        let Self::Command(command) = self else { return self.over(connection).await };
        let mut announced = ::redis::pipe();
        announced.cmd("ASKING").add_command(command.clone());
        connection.send_packed_commands(&announced, 1, 1).await
    }
}

/// The answer to a single command.
pub(super) fn only(mut answers: Vec<Value>) -> RedisResult<Value> {
    match answers.pop() {
        Some(Value::ServerError(error)) => Err(error.into()),
        answer => Ok(answer.unwrap_or(Value::Nil)),
    }
}

impl ConnectionLike for Commands {
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
        0
    }
}
