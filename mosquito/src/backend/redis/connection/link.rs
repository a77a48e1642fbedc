//! The connections to one server: one that commands share, and those that are lent.
//!
//! Invariant: after a connection failed, none that was made before it is handed out again. Whatever made it fail,
//! a server that is gone, silent or no longer the master, concerns them all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, RedisResult};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::location::{Location, Node, Servers};
use super::{DEADLINE, IDLE, sentinels};

/// A server, or whichever server is the master now.
pub(super) struct Link {
    location: Arc<Location>,
    /// Where it is; of a master, the first sentinel.
    node: Node,
    state: Mutex<State>,
    /// Whether a connection failed since somebody asked.
    suspected: AtomicBool,
}

#[derive(Default)]
struct State {
    /// How often everything was thrown away.
    generation: u64,
    shared: Option<Dial>,
    /// Where the shared connection leads, once it is made.
    node: Option<Node>,
    idle: Vec<Idle>,
}

/// A connection that is made, or being made, for everybody who asks in the meantime.
type Dial = Shared<BoxFuture<'static, RedisResult<(Node, MultiplexedConnection)>>>;

/// A connection that nobody uses, with its number at the server if that was asked.
pub(super) struct Idle {
    pub(super) connection: MultiplexedConnection,
    pub(super) id: Option<u64>,
}

/// A connection, the server that it leads to and the generation that it is of.
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    pub(super) node: Node,
    pub(super) generation: u64,
}

impl Link {
    /// To this server.
    pub(super) fn to(location: Arc<Location>, node: Node) -> Self {
        Self { location, node, state: Mutex::default(), suspected: AtomicBool::new(false) }
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// The connection that all commands share; made when there is none.
    pub(super) async fn shared(&self) -> RedisResult<Live> {
        let (dial, generation) = {
            let mut state = self.state();
            let dial = state.shared.get_or_insert_with(|| self.dial().boxed().shared()).clone();
            (dial, state.generation)
        };
        match dial.await {
            Ok((node, connection)) => {
                let mut state = self.state();
                if state.generation == generation && state.node.is_none() {
                    state.node = Some(node.clone());
                }
                Ok(Live { connection, node, generation })
            }
            Err(error) => {
                self.failed(generation);
                Err(error)
            }
        }
    }

    /// A connection for the caller alone, to the same server as the shared one: an idle one, or a new one.
    pub(super) async fn own(&self) -> RedisResult<(Idle, u64)> {
        let Live { node, generation, .. } = self.shared().await?;
        let idle = {
            let mut state = self.state();
            if state.generation == generation { state.idle.pop() } else { None }
        };
        if let Some(idle) = idle {
            return Ok((idle, generation));
        }
        let connected = match &self.location.servers {
            Servers::Sentinels { .. } => sentinels::connect_to(&self.location, &node).await,
            Servers::One(_) | Servers::Cluster { .. } => match self.location.client(&node) {
                Ok(client) => connect(&client).await,
                Err(error) => Err(error),
            },
        };
        let connection = connected.inspect_err(|_| self.failed(generation))?;
        Ok((Idle { connection, id: None }, generation))
    }

    /// Keeps a connection for the next one who wants one of its own.
    pub(super) fn keep(&self, mut idle: Idle, generation: u64) {
        idle.connection.set_response_timeout(DEADLINE);
        let mut state = self.state();
        if state.generation == generation && state.idle.len() < IDLE {
            state.idle.push(idle);
        }
    }

    /// Forgets all connections of this generation: the next to ask gets a new one.
    pub(super) fn failed(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            *state = State { generation: generation + 1, ..State::default() };
            self.suspected.store(true, Ordering::Relaxed);
        }
    }

    /// Which server the shared connection leads to, if there is one, and its generation.
    pub(super) fn leads_to(&self) -> (Option<Node>, u64) {
        let state = self.state();
        (state.node.clone(), state.generation)
    }

    pub(super) fn is_suspected(&self) -> bool {
        self.suspected.load(Ordering::Relaxed)
    }

    /// Whether a connection failed since this was asked last.
    pub(super) fn was_suspected(&self) -> bool {
        self.is_suspected() && self.suspected.swap(false, Ordering::Relaxed)
    }

    fn dial(&self) -> impl Future<Output = RedisResult<(Node, MultiplexedConnection)>> + Send + 'static {
        let (location, node) = (self.location.clone(), self.node.clone());
        async move {
            if let Servers::Sentinels { sentinels, service } = &location.servers {
                return sentinels::connect_to_master(&location, sentinels, service).await;
            }
            let connection = connect(&location.client(&node)?).await?;
            Ok((node, connection))
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of it is one assignment, which a panic cannot leave half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new connection, whose commands have to be answered in time.
pub(super) async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(Some(DEADLINE));
    client.get_multiplexed_async_connection_with_config(&config).await
}
