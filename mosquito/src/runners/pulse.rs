//! Beats for the overseer: keeps the leases on its claims alive. Beside it, on the same thread, the [ear](super::ear) hears
//! what was cancelled, the [watch](super::stuck) sees what is stuck, and operators are [told](super::presence) how it stands.
//!
//! Invariant: no job can stop it. It has a thread, a runtime and connections to itself, so that jobs which
//! hold every thread of the application's runtime do not make the overseer look dead.

use std::collections::HashSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use super::presence::Presence;
use super::scouts::{self, DOUBT};
use super::{ear, stuck};
use crate::backend::{Backend, Lease};
use crate::error::{Error, Result};
use crate::job::panic_message;
use crate::name::QueueName;

/// How long until connections are tried again that could not be made: until there are some, nobody hears what was cancelled.
const CONNECT_AGAIN: Duration = Duration::from_millis(300);

/// Starts to beat, until the token fires. Where nobody else can take the overseer for dead, a task is enough.
///
/// Fails when the operating system has no more threads or file descriptors: without a pulse no run is safe.
pub(super) fn start(desk: Arc<Desk>, presence: Arc<Presence>, done: CancellationToken) -> Result<()> {
    if desk.backend.dies_with_its_process() {
        tokio::spawn(async move {
            let all = async { tokio::join!(stand_by(&desk, &presence, &*desk.backend, &done), watch(&desk)) };
            done.run_until_cancelled(all).await;
        });
        return Ok(());
    }
    let spawned = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        let beat = move || runtime.block_on(on_connections_of_its_own(&desk, &presence, &done));
        std::thread::Builder::new().name("mosquito-pulse".into()).spawn(beat)
    });
    spawned.map(drop).map_err(|error| Error::Refused {
        backend: "the operating system".into(),
        reason: "the heartbeat cannot have a thread of its own".into(),
        source: error.into(),
    })
}

async fn on_connections_of_its_own(desk: &Desk, presence: &Presence, done: &CancellationToken) {
    let beat = async {
        while !done.is_cancelled() {
            // Made here, so that they live on this thread's runtime.
            let scout = || async { desk.backend.separate().await.ok().map(Ok) };
            match scouts::beside(desk.backend.separate(), DOUBT, scout).await {
                Ok(backend) => stand_by(desk, presence, &*backend, done).await,
                Err(error) => {
                    let pause = failed(desk, error).min(CONNECT_AGAIN);
                    done.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
    };
    done.run_until_cancelled(async { tokio::join!(beat, watch(desk)) }).await;
}

/// Beats, listens and tells.
async fn stand_by(desk: &Desk, presence: &Presence, backend: &dyn Backend, done: &CancellationToken) {
    let listen = kept_going("ear", || ear::listen(desk, backend));
    let tell = kept_going("presence", || presence.tell(backend));
    tokio::select! {
        () = beat_until(desk, backend, done) => (),
        () = listen => (),
        () = tell => (),
    }
}

async fn watch(desk: &Desk) {
    kept_going("watch", || stuck::watch(desk)).await;
}

/// Has one who is beside the pulse go on, also after a panic.
async fn kept_going<F: Future<Output = ()>>(name: &str, go: impl Fn() -> F) {
    while let Err(panic) = AssertUnwindSafe(go()).catch_unwind().await {
        let reason = panic_message(panic);
        tracing::error!(target: "mosquito", companion = name, reason, "panicked, and goes on");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Each queue has a beat of its own: one whose server hangs, in a cluster, costs no other queue its lease.
async fn beat_until(desk: &Desk, backend: &dyn Backend, done: &CancellationToken) {
    let (mut under_way, mut queues) = (FuturesUnordered::new(), HashSet::new());
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = done.cancelled() => return,
            () = tokio::time::sleep_until(next) => {
                for (queue, ticket) in desk.held.leases() {
                    if queues.insert(queue.clone()) {
                        under_way.push(beat_caught(desk, backend, queue, ticket));
                    }
                }
                next = Instant::now() + desk.settings.heartbeat;
            }
            Some((queue, again_in)) = under_way.next(), if !under_way.is_empty() => {
                queues.remove(&queue);
                if let Some(pause) = again_in {
                    next = next.min(Instant::now() + pause);
                }
            }
        }
    }
}

/// Beats for one queue, and answers in how long to try again if it did not go well.
async fn beat_caught(
    desk: &Desk,
    backend: &dyn Backend,
    queue: QueueName,
    ticket: u64,
) -> (QueueName, Option<Duration>) {
    let again_in = match AssertUnwindSafe(beat(desk, backend, &queue, ticket)).catch_unwind().await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(failed(desk, error)),
        Err(panic) => {
            let reason = panic_message(panic);
            tracing::error!(target: "mosquito", companion = "pulse", reason, "panicked, and goes on");
            Some(soon(desk))
        }
    };
    (queue, again_in)
}

/// How long until the next try. An overseer that can never beat again performs what others take back: it stops.
fn failed(desk: &Desk, error: Error) -> Duration {
    match error.is_transient() {
        true => desk.outage.failed(&error, &desk.events),
        false => desk.give_up(error),
    }
    soon(desk)
}

/// The lease runs on.
fn soon(desk: &Desk) -> Duration {
    desk.settings.heartbeat / 4
}

/// What is claimed while the beat is under way, with a later ticket than this, is not meant by its answer.
async fn beat(desk: &Desk, backend: &dyn Backend, queue: &QueueName, ticket: u64) -> Result<()> {
    let leases = backend.beat(&desk.overseer, std::slice::from_ref(queue)).await?;
    match leases.first() {
        Some(Lease::Lost) => desk.lose(queue, ticket),
        Some(Lease::Held) => desk.outage.wrote(),
        _ => (),
    }
    Ok(())
}
