//! Queues in a Redis server: for fleets.
//!
//! Each move is one script, listed in `scripts.rs`; where everything stands is said in `keys.rs`. Needs Redis
//! 6.2 or newer, or a server that speaks its language.
//!
//! - A run's envelope stands in one hash per queue, from enqueue to the end; the lists hold ids.
//! - `pending` holds claims, not ids: removing the claim is the fence, and the claims of an overseer are one range.
//! - Plain runs wait in a list, and all others in lanes (`scripts/flow.lua`), which cost nothing where there are none.
//! - An attempt is counted when its claim is made, by the claim itself: the number is written down only when
//!   the run leaves `pending` other than by success. So the usual run writes no history at all.
//! - A script looks at every key it will write before it writes one, since a script that fails half way is not
//!   rolled back.
//!
//! What Redis itself can lose: see its `appendfsync` (with `everysec`, the last second before a power cut) and its
//! asynchronous replication (what a replica had not yet got when it took over).

#[cfg(feature = "bench")]
mod bench;
mod call;
mod cancelling;
mod checkup;
mod connection;
mod durable;
mod enqueueing;
#[cfg(feature = "testing")]
mod erase;
mod exchange;
mod flow;
mod gathering;
mod keys;
mod moves;
mod notes;
mod pauses;
mod permission;
mod replies;
mod scripts;
mod search;
mod tag;
mod times;
mod tls;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ::redis::{FromRedisValue, RedisError, Script};

use crate::clock::Clock;
use crate::error::{Error, Result, without_password};
use crate::name::QueueName;
use call::Call;
use connection::{Commands, Connections, Location};
use gathering::Lines;
use keys::{Key, Keys};
use pauses::Told;
use scripts::Scripts;

#[cfg(feature = "bench")]
#[doc(hidden)]
pub use bench::Wire;
#[cfg(feature = "testing")]
pub(crate) use erase::erase;
pub use keys::DEFAULT_PREFIX;
pub use tls::Tls;

/// For how long a client remembers that a queue is on the list of queues.
const LISTED_FOR: Duration = Duration::from_secs(30);

/// How soon it is put on the list again when that failed.
const LISTED_AGAIN: Duration = Duration::from_secs(5);

/// The longest `waiting`, or piece of a longer one, that is searched in one call.
const SEARCH: usize = 5_000;

/// Queues in a Redis server.
pub struct Redis {
    location: Location,
    prefix: String,
    keys: Keys,
    scripts: Scripts,
    clock: Option<OwnClock>,
    connections: Connections,
    /// Until when a queue counts as listed.
    listed: Mutex<HashMap<QueueName, Instant>>,
    /// The queues that are known to have, or to have had, runs with a flow.
    flowing: Mutex<HashSet<QueueName>>,
    /// Where enqueues line up, and what is the same in all calls of one queue.
    lines: Mutex<HashMap<QueueName, Arc<Lines>>>,
    told: Mutex<Told>,
}

impl Redis {
    /// Connects to what a URL names: a server, the master of a service that sentinels watch, or a cluster. The forms
    /// are those of [`Mosquito::connect`](crate::Mosquito::connect).
    ///
    /// `prefix` is the first part of every key.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] when the URL or the prefix cannot be read, [`Error::Unavailable`] when the server does not answer,
    /// [`Error::Refused`] when it does not let us in or is older than 6.2.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self> {
        Self::open(url, prefix, None, None).await
    }

    /// Connects as [`connect`](Self::connect) does, to a store on a clock of one's own, for tests: whoever shares the
    /// store must share the clock. The server must not be a cluster.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_with_clock(url: &str, prefix: &str, clock: Clock) -> Result<Self> {
        Self::open(url, prefix, Some(clock), None).await
    }

    /// Connects to a server with all settings that there are; TLS settings are refused where there is no TLS.
    pub(crate) async fn open(
        url: &str,
        prefix: &str,
        clock: Option<Clock>,
        tls: Option<Tls>,
    ) -> Result<Self> {
        // A prefix has the alphabet of all names, so a brace cannot break the hash tag behind it.
        if let Err(why) = QueueName::new(prefix) {
            let reason = why.to_string().replace("queue name", "prefix");
            return Err(Error::Url { url: without_password(url), reason });
        }
        let mut location = Location::parse(url)?;
        if clock.is_some() && location.is_cluster() {
            let reason =
                "a clock of one's own needs a server that is no cluster: each server would need it".into();
            return Err(Error::Url { url: without_password(url), reason });
        }
        location.certificates = tls::certificates(&location, url, tls.as_ref())?;
        let uses_tls = location.uses_tls();
        Self::at(location, prefix, clock).await.map_err(|error| tls::hint(error, uses_tls))
    }

    async fn at(location: Location, prefix: &str, clock: Option<Clock>) -> Result<Self> {
        let connections = Connections::open(location.clone()).await?;
        let keys = Keys::new(prefix);
        let clock = clock.map(|clock| OwnClock { clock, key: keys.clock(), told: Mutex::default() });
        let redis = Self {
            location,
            prefix: prefix.into(),
            scripts: Scripts::new(clock.as_ref().map(|own| &*own.key)),
            keys,
            clock,
            connections,
            listed: Mutex::default(),
            flowing: Mutex::default(),
            lines: Mutex::default(),
            told: Mutex::default(),
        };
        redis.check_version().await?;
        Ok(redis)
    }

    async fn check_version(&self) -> Result<()> {
        let info: Result<String, RedisError> =
            ::redis::cmd("INFO").arg("server").query_async(&mut self.commands_anywhere()).await;
        let info = match info {
            Ok(info) => info,
            // A user that may not ask may do everything else.
            Err(error) if error.code() == Some("NOPERM") => return Ok(()),
            Err(error) => return Err(self.connections.explain(error)),
        };
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or_default();
        let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) if (major, minor) < (6, 2) => Err(Error::Refused {
                backend: format!("{:?}", self.connections),
                reason: format!("it has version {version}, and mosquito needs 6.2 or newer"),
                source: "ZMSCORE and RPOP with a count are missing".into(),
            }),
            _ => Ok(()),
        }
    }

    fn call<'a>(&self, script: &'a Script, queue: &QueueName, keys: &[Key]) -> Call<'a> {
        Call::new(script, keys.iter().map(|key| self.keys.of(queue, *key)))
    }

    /// A call of a script that moves runs with a flow, too.
    fn call_flowing<'a>(&self, script: &'a Script, queue: &QueueName, keys: &[Key]) -> Call<'a> {
        self.call(script, queue, &[keys, &Key::FLOW].concat())
    }

    async fn answer<T: FromRedisValue>(&self, queue: &QueueName, call: &Call<'_>) -> Result<T> {
        self.tell_the_time().await?;
        match call.send(&mut self.commands(queue)).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.explain(queue, error).await),
        }
    }

    /// Tells the server the time on a clock of one's own, when it has moved.
    async fn tell_the_time(&self) -> Result<()> {
        let Some(OwnClock { clock, key, told }) = &self.clock else { return Ok(()) };
        let now = clock.now().timestamp_millis();
        if *told.lock().unwrap_or_else(PoisonError::into_inner) != Some(now) {
            self.query::<()>(key, ::redis::cmd("SET").arg(key).arg(now)).await?;
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        Ok(())
    }

    /// One command about a key.
    async fn query<T: FromRedisValue>(&self, key: &str, command: &::redis::Cmd) -> Result<T> {
        command
            .query_async(&mut self.connections.commands(key))
            .await
            .map_err(|error| self.connections.explain(error))
    }

    /// The way for commands about a queue: all its keys are in one place.
    fn commands(&self, queue: &QueueName) -> Commands {
        self.connections.commands(&tag::of(queue))
    }

    /// The way for what any server may be asked.
    fn commands_anywhere(&self) -> Commands {
        self.connections.commands(&self.keys.queues())
    }

    /// What an error means; a key of a wrong type is named.
    async fn explain(&self, queue: &QueueName, error: RedisError) -> Error {
        if error.to_string().contains("WRONGTYPE") {
            for key in Key::ALL {
                let name = self.keys.of(queue, key);
                match self.query::<String>(&name, ::redis::cmd("TYPE").arg(&name)).await {
                    Ok(found) if found != "none" && found != key.kind() => {
                        return Error::ForeignKey { key: name, found, expected: key.kind() };
                    }
                    Ok(_) => (),
                    Err(error) => return error,
                }
            }
        }
        self.connections.explain(error)
    }

    /// Puts a queue on the list of queues, and tells it if everything is paused, before anything can be put into it.
    /// Repeated now and then, in case somebody emptied the server.
    async fn list(&self, queue: &QueueName) -> Result<()> {
        let before = self.lock_listed().get(queue).copied();
        if before.is_none_or(|until| until <= Instant::now()) {
            let mut call = self.scripts.list.prepare_invoke();
            call.key(self.keys.queues()).key(self.keys.everything()).arg(queue.as_str());
            let mut until = Instant::now() + LISTED_FOR;
            match self.answer_of_store::<String>(&call).await {
                Ok(everything) if everything.is_empty() => (),
                Ok(everything) => self.tell_listed(queue, &everything).await?,
                Err(error) => {
                    // It is still listed, then. That the server of the list is lost is no reason to lose this queue.
                    if before.is_none() || !self.location.is_cluster() || !error.is_transient() {
                        return Err(error);
                    }
                    until = Instant::now() + LISTED_AGAIN;
                }
            }
            self.lock_listed().insert(queue.clone(), until);
        }
        Ok(())
    }

    /// What a refused wait means: it may be that one of its lists is something else, but the server does not say which.
    async fn explain_lists(&self, lists: &[String], error: Error) -> Error {
        for list in lists {
            match self.query::<String>(list, ::redis::cmd("TYPE").arg(list)).await {
                Ok(found) if found != "none" && found != "list" => {
                    return Error::ForeignKey { key: list.clone(), found, expected: "list" };
                }
                Ok(_) => (),
                Err(_) => break,
            }
        }
        error
    }

    async fn explain_global(&self, key: &str, expected: &'static str, error: RedisError) -> Error {
        if error.to_string().contains("WRONGTYPE") {
            let found = self.query(key, ::redis::cmd("TYPE").arg(key)).await;
            return found
                .map_or_else(|error| error, |found| Error::ForeignKey { key: key.into(), found, expected });
        }
        self.connections.explain(error)
    }

    fn lock_listed(&self) -> std::sync::MutexGuard<'_, HashMap<QueueName, Instant>> {
        // It only saves a command.
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, answer: Result<T, RedisError>) -> Result<T> {
        answer.map_err(|error| self.connections.explain(error))
    }
}

/// A clock that is not the server's, and the key under which the server is told what it says.
struct OwnClock {
    clock: Clock,
    key: String,
    told: Mutex<Option<i64>>,
}

impl std::fmt::Debug for Redis {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("server", &self.connections)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}
