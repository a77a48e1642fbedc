//! The connections to one server: one that commands share, and those that are lent.
//!
//! Invariant: after a connection failed, none that was made before it is handed out again. Whatever made it fail,
//! a server that is gone, silent or no longer the master, concerns them all.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::aio::{ConnectionLike, MultiplexedConnection};
use ::redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisFuture, RedisResult, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::location::{Location, Node};
use super::{DEADLINE, What, errors, only};

/// How many lent connections are kept when they are given back.
const IDLE: usize = 16;

/// A server, or whichever is the master now.
pub(super) struct Link {
    location: Arc<Location>,
    node: Node,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How often everything was thrown away.
    generation: u64,
    shared: Option<Dial>,
    idle: Vec<MultiplexedConnection>,
}

/// A connection that is made, or being made, for everybody who asks in the meantime.
type Dial = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// A connection, and the generation that it is of.
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    pub(super) generation: u64,
}

impl Link {
    pub(super) fn new(location: Arc<Location>, node: Node) -> Self {
        Self { location, node, state: Mutex::default() }
    }

    /// The connection that all commands share; made when there is none.
    pub(super) async fn shared(&self) -> RedisResult<Live> {
        let (dial, generation) = {
            let mut state = self.state();
            let dial = state.shared.get_or_insert_with(|| self.dial().boxed().shared()).clone();
            (dial, state.generation)
        };
        match dial.await {
            Ok(connection) => Ok(Live { connection, generation }),
            Err(error) => {
                self.failed(generation);
                Err(error)
            }
        }
    }

    /// A connection for the caller alone: an idle one, or a new one.
    pub(super) async fn lend(self: &Arc<Self>) -> RedisResult<Lent> {
        let (idle, generation) = {
            let mut state = self.state();
            (state.idle.pop(), state.generation)
        };
        let connection = match idle {
            Some(connection) => connection,
            None => self.dial().await.inspect_err(|_| self.failed(generation))?,
        };
        Ok(Lent { link: self.clone(), connection, generation })
    }

    /// Forgets all connections of this generation and before it: the next to ask gets a new one.
    pub(super) fn failed(&self, generation: u64) {
        let mut state = self.state();
        if state.generation == generation {
            *state = State { generation: generation + 1, ..State::default() };
        }
    }

    fn dial(&self) -> impl Future<Output = RedisResult<MultiplexedConnection>> + Send + 'static {
        let (location, node) = (self.location.clone(), self.node.clone());
        async move { connect(&location.client(&node)?).await }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of it is one assignment, which a panic cannot leave half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn connect(client: &::redis::Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(DEADLINE))
        .set_response_timeout(Some(DEADLINE));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// A connection for one user at a time, who gives it back when all went well. Dropped otherwise, and with it
/// whatever its server was still to do: nobody can get the answer to somebody else's question.
pub(in crate::backend::redis) struct Lent {
    link: Arc<Link>,
    connection: MultiplexedConnection,
    generation: u64,
}

impl Lent {
    /// How long an answer may take from now on; five seconds until this is called.
    pub(in crate::backend::redis) fn set_patience(&mut self, patience: Duration) {
        self.connection.set_response_timeout(patience);
    }

    /// Keeps it for the next one who asks. Only after everything that was sent was answered.
    pub(in crate::backend::redis) fn give_back(mut self) {
        self.connection.set_response_timeout(DEADLINE);
        let mut state = self.link.state();
        if state.generation == self.generation && state.idle.len() < IDLE {
            state.idle.push(self.connection);
        }
    }
}

impl Lent {
    async fn send(&mut self, what: What<'_>) -> RedisResult<Vec<Value>> {
        let answer = what.over(&mut self.connection).await;
        if let Err(error) = &answer
            && errors::ends_connection(error)
        {
            self.link.failed(self.generation);
        }
        answer
    }
}

impl ConnectionLike for Lent {
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
        self.connection.get_db()
    }
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a connection to {}", self.link.node)
    }
}
