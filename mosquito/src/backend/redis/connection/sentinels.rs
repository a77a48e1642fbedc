//! Asks sentinels which server is the master, and makes sure that it is.

use std::io;

use ::redis::aio::MultiplexedConnection;
use ::redis::{ErrorKind, RedisError, RedisResult, Value};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::errors::{self, SENTINELS_REFUSE};
use super::link::connect;
use super::location::{Location, Node};
use super::{DEADLINE, SENTINEL_DEADLINE};

/// A connection to the master of a service. All sentinels are asked at once, and the first who names a server that
/// is a master is believed: the others may be slow, gone, or not have heard of a failover.
pub(super) async fn connect_to_master(
    location: &Location,
    sentinels: &[Node],
    service: &str,
) -> RedisResult<(Node, MultiplexedConnection)> {
    let found = tokio::time::timeout(DEADLINE, find(location, sentinels, service)).await;
    found.unwrap_or_else(|_| Err(unavailable(format!("no master was found within {DEADLINE:?}"))))
}

async fn find(
    location: &Location,
    sentinels: &[Node],
    service: &str,
) -> RedisResult<(Node, MultiplexedConnection)> {
    let asked =
        sentinels.iter().map(|sentinel| async move { (sentinel, ask(location, sentinel, service).await) });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let mut failures = Failures::default();
    while let Some((sentinel, answer)) = answers.next().await {
        match answer {
            Ok(Some(node)) if failures.tried.contains(&node) => (),
            Ok(Some(node)) => match connect_to(location, &node).await {
                Ok(connection) => return Ok((node, connection)),
                Err(error) => failures.of_server(sentinel, node, error),
            },
            Ok(None) => failures.unknown_to(sentinel),
            Err(error) => failures.of_sentinel(sentinel, error),
        }
    }
    Err(failures.told(service))
}

async fn ask(location: &Location, sentinel: &Node, service: &str) -> RedisResult<Option<Node>> {
    let asked = async {
        let mut connection = connect(&location.sentinel(sentinel)?).await?;
        let mut command = ::redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        let named: Option<(String, u16)> = command.query_async(&mut connection).await?;
        Ok(named.map(|(host, port)| Node { host, port }))
    };
    let answer = tokio::time::timeout(SENTINEL_DEADLINE, asked).await;
    answer.unwrap_or_else(|_| Err(unavailable(format!("no answer within {SENTINEL_DEADLINE:?}"))))
}

/// A connection to a server that says itself that it is a master: one that came back after a failover does not know
/// yet that it is to be a replica, nor do sentinels that were cut off know of the failover.
pub(super) async fn connect_to(location: &Location, node: &Node) -> RedisResult<MultiplexedConnection> {
    let mut connection = connect(&location.client(node)?).await?;
    let role: Result<Vec<Value>, RedisError> = ::redis::cmd("ROLE").query_async(&mut connection).await;
    let role = match role {
        Ok(role) => role,
        // A user that may not ask has to believe the sentinels.
        Err(error) if error.code() == Some("NOPERM") => return Ok(connection),
        Err(error) => return Err(error),
    };
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(connection),
        _ => Err(unavailable("it says that it is no master".into())),
    }
}

/// What sentinels and servers said, none of which was of use.
#[derive(Default)]
struct Failures {
    tried: Vec<Node>,
    unknown: bool,
    /// A refusal that no other sentinel or server makes good: that of a server goes before that of a sentinel.
    refused: Option<RedisError>,
    sentinel_refused: Option<RedisError>,
    told: Vec<String>,
}

impl Failures {
    fn of_server(&mut self, sentinel: &Node, node: Node, error: RedisError) {
        self.told.push(format!("{sentinel} names {node}, where: {error}"));
        self.tried.push(node);
        if errors::is_refusal(&error) {
            self.refused.get_or_insert(error);
        }
    }

    fn of_sentinel(&mut self, sentinel: &Node, error: RedisError) {
        self.told.push(format!("{sentinel}: {error}"));
        if errors::is_refusal(&error) {
            self.sentinel_refused.get_or_insert(error);
        }
    }

    fn unknown_to(&mut self, sentinel: &Node) {
        self.told.push(format!("{sentinel} knows no such service"));
        self.unknown = true;
    }

    fn told(self, service: &str) -> RedisError {
        let told = self.told.join("; ");
        match (self.refused, self.sentinel_refused) {
            (Some(error), _) => error,
            _ if !self.tried.is_empty() => unavailable(told),
            _ if self.unknown => (ErrorKind::MasterNameNotFoundBySentinel, "unknown service", told).into(),
            (None, Some(error)) if errors::is_login_refusal(&error) => {
                (ErrorKind::AuthenticationFailed, SENTINELS_REFUSE, told).into()
            }
            (None, Some(error)) => error,
            _ => unavailable(format!("no sentinel of `{service}` answers: {told}")),
        }
    }
}

fn unavailable(why: String) -> RedisError {
    io::Error::new(io::ErrorKind::NotConnected, why).into()
}
