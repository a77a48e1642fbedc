//! The connections to the servers, and what their errors mean.
//!
//! Commands share one multiplexed connection to each server, which is made anew when it breaks. What blocks, or must not
//! be mixed with what others send, has a connection to itself, which is lent for so long.
//!
//! Invariant: nothing here waits longer than it says. A connection is made, and a command answered, within five
//! seconds, or the connection is given up.

mod errors;
mod link;
mod location;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value};

use crate::error::{Error, Result};
pub(super) use link::Lent;
use link::Link;
pub(super) use location::Location;
use location::Servers;

/// How long a connection may take to be made, and a command to be answered.
const DEADLINE: Duration = Duration::from_secs(5);

/// How much longer than asked a blocking command may take to be answered.
const SLACK: Duration = Duration::from_secs(2);

pub(super) struct Connections {
    link: Arc<Link>,
    name: String,
}

impl Connections {
    /// Connects. An error that no patience helps against is told as such.
    pub(super) async fn open(location: Location) -> Result<Self> {
        let name = location.to_string();
        let location = Arc::new(location);
        let Servers::One(node) = location.servers.clone();
        let connections = Self { link: Arc::new(Link::new(location, node)), name };
        connections.link.shared().await.map_err(|error| connections.explain(error))?;
        Ok(connections)
    }

    /// The way for commands about a key, to the server that holds it.
    pub(super) fn commands(&self, _key: &str) -> Commands {
        Commands { link: self.link.clone() }
    }

    /// A connection to the server that holds a key, for the caller alone.
    pub(super) async fn lend(&self, _key: &str) -> Result<Lent> {
        self.link.lend().await.map_err(|error| self.explain(error))
    }

    /// What the server's error means to the one who called.
    pub(super) fn explain(&self, error: RedisError) -> Error {
        errors::explain(&self.name, error)
    }

    /// Waits until one of the lists has an item, takes it, and answers which list it was.
    pub(super) async fn pop(&self, lists: &[String], timeout: Duration) -> Result<Option<String>> {
        let Some(first) = lists.first() else { return Ok(None) };
        // A wait that is dropped takes its connection along, and the server with it stops waiting for nobody.
        let mut connection = self.lend(first).await?;
        connection.set_patience(timeout + SLACK);
        let popped: Option<(String, String)> = ::redis::cmd("BLPOP")
            .arg(lists)
            .arg(timeout.as_secs_f64().max(0.001))
            .query_async(&mut connection)
            .await
            .map_err(|error| self.explain(error))?;
        connection.give_back();
        Ok(popped.map(|(list, _)| list))
    }
}

/// Sends commands to the server that holds a key.
pub(super) struct Commands {
    link: Arc<Link>,
}

impl Commands {
    async fn send(&self, what: What<'_>) -> RedisResult<Vec<Value>> {
        let mut live = self.link.shared().await?;
        let answer = what.over(&mut live.connection).await;
        if let Err(error) = &answer
            && errors::ends_connection(error)
        {
            self.link.failed(live.generation);
        }
        answer
    }
}

/// What is sent at once.
#[derive(Clone, Copy)]
enum What<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline, usize, usize),
}

impl What<'_> {
    async fn over(self, connection: &mut ::redis::aio::MultiplexedConnection) -> RedisResult<Vec<Value>> {
        match self {
            Self::Command(command) => connection.send_packed_command(command).await.map(|value| vec![value]),
            Self::Pipeline(pipeline, offset, count) => {
                connection.send_packed_commands(pipeline, offset, count).await
            }
        }
    }
}

/// The answer to a single command.
fn only(mut answers: Vec<Value>) -> Value {
    answers.pop().unwrap_or(Value::Nil)
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move { self.send(What::Command(command)).await.map(only) })
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

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
