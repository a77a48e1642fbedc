//! The connections to the servers, and what their errors mean.
//!
//! Commands share one multiplexed connection to each server, which is made anew when it breaks. What blocks, or must not
//! be mixed with what others send, has a connection to itself, which is lent for so long.
//!
//! ```text
//! key ──Route──> Link to its server ──> shared connection      one server: always the same link
//!                  │                └─> lent connections       sentinels: one link, to whoever is the master
//!                  └ fails: the next call asks again           cluster: the map tells the link of a slot
//! ```
//!
//! Invariants:
//!
//! - Nothing here waits longer than it says. A connection is made, and a command answered, within five seconds, or the
//!   connection is given up.
//! - Nothing here tries again by itself, except where a server says which other one to ask. Whoever calls has a pace of
//!   its own; a second attempt in here would only double the wait.
//! - The first call after a failure finds out anew who is to be asked.

mod cluster;
mod errors;
mod lent;
mod link;
mod location;
mod route;
mod sentinels;
mod url;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ::redis::{ErrorKind, RedisError};

use crate::error::{Error, Result};
use cluster::Cluster;
#[cfg(test)]
pub(super) use cluster::slot;
pub(super) use lent::Lent;
use link::Link;
pub(super) use location::Location;
use location::Servers;
pub(super) use route::Commands;
use route::Route;

/// How long a connection may take to be made, and a command to be answered.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long a sentinel may take to be reached and to answer.
const SENTINEL_DEADLINE: Duration = Duration::from_secs(2);

/// How many lent connections to each server are kept when they are given back.
const IDLE: usize = 32;

pub(super) struct Connections {
    servers: Reach,
    name: String,
}

/// How servers are reached.
enum Reach {
    All(Arc<Link>),
    Cluster(Arc<Cluster>),
}

impl Connections {
    /// Connects. An error that no patience helps against is told as such.
    pub(super) async fn open(location: Location) -> Result<Self> {
        let name = location.to_string();
        let location = Arc::new(location);
        let (servers, connected) = match location.servers.clone() {
            Servers::Cluster { seeds } => {
                let cluster = Arc::new(Cluster::new(location, seeds));
                let asked = cluster.ask().await;
                (Reach::Cluster(cluster), asked)
            }
            Servers::One(node) => {
                let link = Arc::new(Link::to(location, node));
                let connected = link.shared().await.map(drop);
                (Reach::All(link), connected)
            }
            Servers::Sentinels { sentinels, service } => {
                let link = Arc::new(Link::to(location.clone(), sentinels[0].clone()));
                let connected = link.shared().await.map(drop);
                if connected.is_ok() {
                    // It ends soon after the link does.
                    tokio::spawn(sentinels::watch(Arc::downgrade(&link), location, sentinels, service));
                }
                (Reach::All(link), connected)
            }
        };
        let connections = Self { servers, name };
        connected.map_err(|error| connections.explain_first(error))?;
        Ok(connections)
    }

    /// The way for commands about a key, to the server that holds it.
    pub(super) fn commands(&self, key: &str) -> Commands {
        Commands::new(self.route(key))
    }

    /// A connection to the server that holds a key, for the caller alone.
    pub(super) async fn lend(&self, key: &str) -> Result<Lent> {
        Lent::new(self.route(key)).await.map_err(|error| self.explain(error))
    }

    fn route(&self, key: &str) -> Route {
        match &self.servers {
            Reach::All(link) => Route::All(link.clone()),
            Reach::Cluster(cluster) => Route::Slot(cluster.clone(), cluster::slot(key)),
        }
    }

    /// What the server's error means to the one who called.
    pub(super) fn explain(&self, error: RedisError) -> Error {
        match (&self.servers, error.code()) {
            (Reach::All(_), Some("MOVED")) => Error::Refused {
                backend: self.name.clone(),
                reason: "it is one of the servers of a cluster: redis+cluster:// is for those".into(),
                source: error.into(),
            },
            _ => errors::explain(&self.name, error),
        }
    }

    /// As [`explain`](Self::explain), before it ever worked. Later on, sentinels that do not know their service are out
    /// of order, which passes.
    fn explain_first(&self, error: RedisError) -> Error {
        if error.kind() != ErrorKind::MasterNameNotFoundBySentinel {
            return self.explain(error);
        }
        let told = error.detail().unwrap_or_default();
        Error::Refused {
            backend: self.name.clone(),
            reason: format!("no sentinel knows a service of that name ({told})"),
            source: error.into(),
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
