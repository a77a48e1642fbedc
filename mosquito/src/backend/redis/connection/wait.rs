//! Waits for signals: for an item in one of several lists, which is taken.
//!
//! One server is asked for all of them at once. A cluster cannot be, since the lists are in different slots: there each
//! list has a connection on which it is waited for, and when one has an item, the others' servers are told to stop waiting,
//! and are listened to until they have. So no signal goes to somebody who has left, and connections are used again.
//!
//! Invariant: at most [`AT_ONCE`] lists are waited for over connections of their own; what is more is looked at now and then.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::RedisError;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::lent::Lent;
use super::link::Link;
use super::route::{What, only};
use super::{Connections, Reach, errors};
use crate::error::Result;

/// How much longer than asked a blocking command may take to be answered.
const SLACK: Duration = Duration::from_secs(2);

/// How many lists of a cluster are waited for by one wait.
const AT_ONCE: usize = 32;

/// How often further ones are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long until a list is waited for again whose server failed.
const REST: Duration = Duration::from_millis(500);

/// How often servers are told to stop waiting, since they may be told before they have begun.
const TELL_EVERY: Duration = Duration::from_millis(20);

type Popped = Result<Option<String>, RedisError>;

impl Connections {
    /// Waits until one of the lists has an item, takes it, and answers which list it was.
    ///
    /// A wait that is dropped takes its connections along, and servers with it stop waiting for nobody.
    pub(in crate::backend::redis) async fn pop(
        &self,
        lists: &[String],
        timeout: Duration,
    ) -> Result<Option<String>> {
        let until = Instant::now() + timeout;
        let popped = match &self.servers {
            Reach::All(_) => self.pop_at_once(lists, until).await,
            Reach::Cluster(_) => self.pop_apart(lists, until).await,
        };
        popped.map_err(|error| self.explain(error))
    }

    async fn pop_at_once(&self, lists: &[String], until: Instant) -> Popped {
        let Some(first) = lists.first() else { return Ok(None) };
        let mut lent = Lent::new(self.route(first)).await?;
        let popped = block(&mut lent, lists, until).await?;
        lent.give_back();
        Ok(popped)
    }

    async fn pop_apart(&self, lists: &[String], until: Instant) -> Popped {
        let all = Waits { until, stop: CancellationToken::new(), blocked: Mutex::default() };
        let (waited_for, looked_at) = lists.split_at(lists.len().min(AT_ONCE));
        let waits = waited_for.iter().map(|list| self.pop_one(list, &all).boxed());
        let looks = (!looked_at.is_empty()).then(|| self.look_at(looked_at, &all).boxed());
        let mut waits: FuturesUnordered<_> = waits.chain(looks).collect();

        let (mut popped, mut failed) = (Vec::new(), None);
        let mut works = false;
        // For a server that is asked late, and for its answer.
        let mut patience = until + 2 * SLACK;
        loop {
            tokio::select! {
                answer = waits.next() => match answer {
                    None => break,
                    Some(Ok(None)) => works = true,
                    Some(Ok(Some(list))) => popped.push(list),
                    Some(Err(error)) => { failed.get_or_insert(error); }
                },
                () = all.stop_blocked(), if all.stop.is_cancelled() => (),
                // Whoever does not stop in time is left behind, with its connection.
                () = tokio::time::sleep_until(patience) => break,
            }
            let hopeless = failed.as_ref().is_some_and(errors::is_refusal);
            if (!popped.is_empty() || hopeless) && !all.stop.is_cancelled() {
                patience = patience.min(Instant::now() + SLACK);
                all.stop.cancel();
            }
        }
        drop(waits);
        let mut popped = popped.into_iter();
        let first = popped.next();
        for list in popped {
            self.put_back(&list).await;
        }
        match failed {
            // One server that is out of reach holds up no other.
            Some(error) if first.is_none() && (!works || errors::is_refusal(&error)) => Err(error),
            _ => Ok(first),
        }
    }

    /// Waits for one list, again when its server fails.
    async fn pop_one(&self, list: &String, all: &Waits) -> Popped {
        loop {
            let error = match self.pop_once(list, all).await {
                // Told to stop by somebody who meant the one that had its connection before.
                Ok(None) if !all.stop.is_cancelled() && Instant::now() < all.until => continue,
                Ok(popped) => return Ok(popped),
                Err(error) => error,
            };
            if errors::is_refusal(&error) || Instant::now() + REST >= all.until {
                return Err(error);
            }
            if all.stop.run_until_cancelled(tokio::time::sleep(REST)).await.is_none() {
                return Ok(None);
            }
        }
    }

    async fn pop_once(&self, list: &String, all: &Waits) -> Popped {
        let connected = async {
            let mut lent = Lent::new(self.route(list)).await?;
            let id = lent.id().await?;
            Ok::<_, RedisError>((lent, id))
        };
        // Nothing waits yet: a server that hangs holds up nobody who was signalled by another one. However short the wait, it
        // is no error that there is no connection yet.
        let patience = all.until + SLACK;
        let Some(connected) = all.stop.run_until_cancelled(timeout_at(patience, connected)).await else {
            return Ok(None);
        };
        let (mut lent, id) = connected.unwrap_or_else(|late| Err(std::io::Error::from(late).into()))?;
        if all.stop.is_cancelled() {
            lent.give_back();
            return Ok(None);
        }
        all.lock().push((lent.link().clone(), id));
        let popped = block(&mut lent, std::slice::from_ref(list), all.until).await;
        all.lock().retain(|(link, other)| !(Arc::ptr_eq(link, lent.link()) && *other == id));
        let popped = popped?;
        lent.give_back();
        Ok(popped)
    }

    /// Looks at lists one after the other, now and then.
    async fn look_at(&self, lists: &[String], all: &Waits) -> Popped {
        loop {
            for list in lists {
                if all.stop.is_cancelled() {
                    return Ok(None);
                }
                let look = ::redis::cmd("LPOP").arg(list).query_async(&mut self.commands(list)).await;
                match look {
                    Ok(Some(())) => return Ok(Some(list.clone())),
                    Ok(None) => (),
                    Err(error) if errors::is_refusal(&error) => return Err(error),
                    Err(error) => {
                        tracing::debug!(target: "mosquito", %list, %error, "a signal cannot be looked for")
                    }
                }
            }
            let next = (Instant::now() + LOOK_EVERY).min(all.until);
            all.stop.run_until_cancelled(tokio::time::sleep_until(next)).await;
            if all.stop.is_cancelled() || all.until <= Instant::now() {
                return Ok(None);
            }
        }
    }

    /// Puts a signal back that was taken although another one came first, for the next one who waits.
    async fn put_back(&self, list: &str) {
        let mut pipe = ::redis::pipe();
        pipe.atomic().lpush(list, 1).ignore().ltrim(list, 0, 0).ignore();
        if let Err(error) = pipe.query_async::<()>(&mut self.commands(list)).await {
            // Whoever waits looks by itself a little later.
            tracing::debug!(target: "mosquito", list, %error, "a signal cannot be put back");
        }
    }
}

/// What the waits for single lists share.
struct Waits {
    until: Instant,
    stop: CancellationToken,
    /// The connections whose servers wait at this moment, and the numbers they are known by.
    blocked: Mutex<Vec<(Arc<Link>, u64)>>,
}

impl Waits {
    /// Tells the servers to stop waiting, a little later if they were told before.
    async fn stop_blocked(&self) {
        let blocked = self.lock().clone();
        let told = blocked.into_iter().map(|(link, id)| async move {
            let mut live = link.shared().await?;
            let mut command = ::redis::cmd("CLIENT");
            command.arg("UNBLOCK").arg(id).query_async::<()>(&mut live.connection).await
        });
        for told in futures_util::future::join_all(told).await {
            if let Err(error) = told {
                // Then it is left behind, with its connection.
                tracing::debug!(target: "mosquito", %error, "a server cannot be told to stop waiting");
            }
        }
        tokio::time::sleep(TELL_EVERY).await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Arc<Link>, u64)>> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has the server wait. A server that holds a list no more is not left for the one that does, which the numbers by which
/// connections are known would not tell: whoever waits next goes there.
async fn block(lent: &mut Lent, lists: &[String], until: Instant) -> Popped {
    let timeout = until.saturating_duration_since(Instant::now());
    lent.set_patience(timeout + SLACK);
    let mut command = ::redis::cmd("BLPOP");
    command.arg(lists).arg(timeout.as_secs_f64().max(0.001));
    let answer = only(lent.ask_here(What::Command(&command)).await?)?;
    let popped: Option<(String, String)> = ::redis::from_redis_value(answer)?;
    Ok(popped.map(|(list, _)| list))
}
