//! Asks sentinels which server is the master, and makes sure that it is.
//!
//! A failover has a number, and sentinels hear of it one after the other. So all are asked, and the one that knows of the
//! latest failover is believed: one that was cut off would lead back to a master that nobody follows any more.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{ErrorKind, RedisError, RedisResult, Value};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::errors::{self, SENTINELS_REFUSE};
use super::link::{Link, connect};
use super::location::{Location, Node};
use super::{DEADLINE, SENTINEL_DEADLINE};

/// How long sentinels that have not answered are waited for when another one has.
const LATECOMERS: Duration = Duration::from_millis(300);

/// How often sentinels are asked whether the master is still the same. An old one that lives goes on saying yes to
/// clients until it is told otherwise, which can take ten seconds, and what it says yes to is lost.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// What a sentinel says of a service: its master, and the number of the failover that made it so.
#[derive(Clone, Debug)]
struct Named {
    epoch: u64,
    node: Node,
}

/// A connection to the master of a service.
pub(super) async fn connect_to_master(
    location: &Location,
    sentinels: &[Node],
    service: &str,
) -> RedisResult<(Node, MultiplexedConnection)> {
    let found = async {
        let mut failures = Failures::default();
        let Some((sentinel, named)) = latest(location, sentinels, service, &mut failures).await else {
            return Err(failures.told(service));
        };
        match connect_to(location, &named.node).await {
            Ok(connection) => Ok((named.node, connection)),
            Err(error) if errors::is_refusal(&error) => Err(error),
            Err(error) => Err(unavailable(format!("{sentinel} names {}, where: {error}", named.node))),
        }
    };
    let found = timeout(DEADLINE, found).await;
    found.unwrap_or_else(|_| Err(unavailable(format!("no master was found within {DEADLINE:?}"))))
}

/// Has a link forget its connections when the sentinels name another master than it leads to, for as long as it lives.
pub(super) async fn watch(link: Weak<Link>, location: Arc<Location>, sentinels: Vec<Node>, service: String) {
    let mut known = 0;
    loop {
        tokio::time::sleep(WATCH_EVERY.mul_f64(0.8 + fastrand::f64() * 0.4)).await;
        let Some((node, generation)) = link.upgrade().map(|link| link.leads_to()) else { return };
        let Some(node) = node else { continue };
        let mut failures = Failures::default();
        let latest = latest(&location, &sentinels, &service, &mut failures).await;
        // What was heard from others before may be newer than what all who answer now have heard.
        if let Some((_, named)) = latest.filter(|(_, named)| named.epoch >= known) {
            known = named.epoch;
            if named.node != node
                && let Some(link) = link.upgrade()
            {
                link.failed(generation);
            }
        }
    }
}

/// What the sentinel says that knows of the latest failover, of those that answer soon.
async fn latest(
    location: &Location,
    sentinels: &[Node],
    service: &str,
    failures: &mut Failures,
) -> Option<(Node, Named)> {
    let asked =
        sentinels.iter().map(|sentinel| async move { (sentinel, ask(location, sentinel, service).await) });
    let mut answers: FuturesUnordered<_> = asked.collect();
    let mut latest: Option<(Node, Named)> = None;
    let mut until = Instant::now() + SENTINEL_DEADLINE;
    while let Ok(Some((sentinel, answer))) = timeout_at(until, answers.next()).await {
        match answer {
            Ok(Some(named)) => {
                until = until.min(Instant::now() + LATECOMERS);
                if latest.as_ref().is_none_or(|(_, latest)| latest.epoch < named.epoch) {
                    latest = Some((sentinel.clone(), named));
                }
            }
            Ok(None) => failures.unknown_to(sentinel),
            Err(error) => failures.of_sentinel(sentinel, error),
        }
    }
    latest
}

async fn ask(location: &Location, sentinel: &Node, service: &str) -> RedisResult<Option<Named>> {
    let asked = async {
        let mut connection = connect(&location.sentinel(sentinel)?).await?;
        let sentinel = |what: &str| ::redis::cmd("SENTINEL").arg(what).arg(service).to_owned();
        let named = sentinel("GET-MASTER-ADDR-BY-NAME").query_async(&mut connection).await?;
        let Some((host, port)): Option<(String, u16)> = named else { return Ok(None) };
        let told: HashMap<String, String> = sentinel("MASTER").query_async(&mut connection).await?;
        let epoch = told.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
        Ok(Some(Named { epoch, node: Node { host, port } }))
    };
    let answer = timeout(SENTINEL_DEADLINE, asked).await;
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

/// What sentinels said, none of which was of use.
#[derive(Default)]
struct Failures {
    unknown: bool,
    refused: Option<RedisError>,
    told: Vec<String>,
}

impl Failures {
    fn of_sentinel(&mut self, sentinel: &Node, error: RedisError) {
        self.told.push(format!("{sentinel}: {error}"));
        if errors::is_refusal(&error) {
            self.refused.get_or_insert(error);
        }
    }

    fn unknown_to(&mut self, sentinel: &Node) {
        self.told.push(format!("{sentinel} knows no such service"));
        self.unknown = true;
    }

    fn told(self, service: &str) -> RedisError {
        let told = self.told.join("; ");
        match self.refused {
            _ if self.unknown => (ErrorKind::MasterNameNotFoundBySentinel, "unknown service", told).into(),
            Some(error) if errors::is_login_refusal(&error) => {
                (ErrorKind::AuthenticationFailed, SENTINELS_REFUSE, told).into()
            }
            Some(error) => error,
            None => unavailable(format!("no sentinel of `{service}` answers: {told}")),
        }
    }
}

fn unavailable(why: String) -> RedisError {
    io::Error::new(io::ErrorKind::NotConnected, why).into()
}
