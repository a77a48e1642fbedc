//! The connections to one server, and what its errors mean.
//!
//! Commands share one multiplexed connection, which is made anew when it breaks. A blocking command would
//! hold up all others, so each wait has a connection to itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use ::redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, ServerErrorKind};

use crate::backend::Signal;
use crate::error::{Error, Result};

/// How long a connection may take to be made, and a command to be answered.
const DEADLINE: Duration = Duration::from_secs(5);

/// How much longer than asked a blocking command may take to be answered.
const SLACK: Duration = Duration::from_secs(2);

pub(super) struct Connections {
    client: Client,
    commands: ConnectionManager,
    idle_waits: Mutex<HashMap<Signal, MultiplexedConnection>>,
    name: String,
}

impl Connections {
    pub(super) async fn open(url: &str, shown_url: &str) -> Result<Self> {
        let refuse = |why: RedisError| {
            let reason = format!("{why}; it looks like redis://user:password@127.0.0.1:6379/0");
            Error::Url { url: shown_url.into(), reason }
        };
        let client = Client::open(url).map_err(refuse)?;
        let name = format!("Redis at {}", client.get_connection_info().addr());
        // Whoever calls has a pace of its own for trying again; a second attempt in here would only double the wait.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        let commands =
            client.get_connection_manager_with_config(config).await.map_err(|error| explain(&name, error))?;
        Ok(Self { client, commands, idle_waits: Mutex::default(), name })
    }

    /// The connection for commands: cheap to clone.
    pub(super) fn commands(&self) -> ConnectionManager {
        self.commands.clone()
    }

    /// What the server's error means to the one who called.
    pub(super) fn explain(&self, error: RedisError) -> Error {
        explain(&self.name, error)
    }

    /// Waits until one of the lists has an item, takes it, and answers which list it was.
    pub(super) async fn pop(
        &self,
        signal: Signal,
        lists: &[String],
        timeout: Duration,
    ) -> Result<Option<String>> {
        // Taken out while it is used: a wait that is dropped takes its connection along, and the server with
        // it stops waiting for nobody.
        let idle = self.lock().remove(&signal);
        let mut connection = match idle {
            Some(connection) => connection,
            None => {
                let config = AsyncConnectionConfig::new().set_connection_timeout(Some(DEADLINE));
                self.client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await
                    .map_err(|error| self.explain(error))?
            }
        };
        connection.set_response_timeout(timeout + SLACK);
        let popped: Option<(String, String)> = ::redis::cmd("BLPOP")
            .arg(lists)
            .arg(timeout.as_secs_f64().max(0.001))
            .query_async(&mut connection)
            .await
            .map_err(|error| self.explain(error))?;
        self.lock().insert(signal, connection);
        Ok(popped.map(|(list, _)| list))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Signal, MultiplexedConnection>> {
        // Idle connections have no state that a panic could leave half changed.
        self.idle_waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What passes by itself, as it is told from within a script.
const PASSING: [&str; 5] = ["-OOM ", "-MISCONF ", "-NOREPLICAS ", "-READONLY ", "-LOADING "];

fn explain(name: &str, error: RedisError) -> Error {
    let backend = name.to_owned();
    let refused = |reason: &str, error: RedisError| Error::Refused {
        backend: name.to_owned(),
        reason: reason.into(),
        source: error.into(),
    };
    match error.kind() {
        ErrorKind::AuthenticationFailed => refused("the user or password in its URL is wrong", error),
        ErrorKind::Server(ServerErrorKind::NoPerm) => {
            refused("its user may not use a command or key that mosquito needs", error)
        }
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown
            | ServerErrorKind::ReadOnly,
        )
        | ErrorKind::Io => Error::Unavailable { backend, source: error.into() },
        _ => match error.code() {
            Some("NOAUTH" | "WRONGPASS") => {
                refused("the user or password in its URL is wrong or missing", error)
            }
            // Passes when somebody makes room, or a replica is back; and nothing was written.
            Some("OOM" | "MISCONF" | "BUSY" | "NOREPLICAS") => {
                Error::Unavailable { backend, source: error.into() }
            }
            // Redis before 7 wraps what went wrong within a script.
            Some("ERR") if PASSING.iter().any(|code| error.to_string().contains(code)) => {
                Error::Unavailable { backend, source: error.into() }
            }
            _ => refused("it answered with an error", error),
        },
    }
}
