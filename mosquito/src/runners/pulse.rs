//! Beats for the overseer: keeps the leases on its claims alive.
//!
//! Invariant: no job can stop it. It has a thread, a runtime and connections to itself, so that jobs which
//! hold every thread of the application's runtime do not make the overseer look dead.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use crate::backend::{Backend, Lease};
use crate::error::{Error, Result};
use crate::job::panic_message;

/// Starts to beat, until the token fires. Where nobody else can take the overseer for dead, a task is enough.
///
/// Fails when the operating system has no more threads or file descriptors: without a pulse no run is safe.
pub(super) fn start(desk: Arc<Desk>, done: CancellationToken) -> Result<()> {
    if desk.backend.dies_with_its_process() {
        tokio::spawn(async move { beat_until(&desk, &*desk.backend, &done).await });
        return Ok(());
    }
    let spawned = tokio::runtime::Builder::new_current_thread().enable_all().build().and_then(|runtime| {
        let beat = move || runtime.block_on(on_connections_of_its_own(&desk, &done));
        std::thread::Builder::new().name("mosquito-pulse".into()).spawn(beat)
    });
    spawned.map(drop).map_err(|error| Error::Refused {
        backend: "the operating system".into(),
        reason: "the heartbeat cannot have a thread of its own".into(),
        source: error.into(),
    })
}

async fn on_connections_of_its_own(desk: &Desk, done: &CancellationToken) {
    while !done.is_cancelled() {
        // Made here, so that they live on this thread's runtime.
        match desk.backend.separate().await {
            Ok(backend) => beat_until(desk, &*backend, done).await,
            Err(error) => {
                let pause = failed(desk, error);
                done.run_until_cancelled(tokio::time::sleep(pause)).await;
            }
        }
    }
}

async fn beat_until(desk: &Desk, backend: &dyn Backend, done: &CancellationToken) {
    while !done.is_cancelled() {
        let pause = match AssertUnwindSafe(beat(desk, backend)).catch_unwind().await {
            Ok(Ok(())) => desk.settings.heartbeat,
            Ok(Err(error)) => failed(desk, error),
            Err(panic) => {
                let reason = panic_message(panic);
                tracing::error!(target: "mosquito", companion = "pulse", reason, "panicked, and goes on");
                soon(desk)
            }
        };
        done.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
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

async fn beat(desk: &Desk, backend: &dyn Backend) -> Result<()> {
    // What is claimed while the beat is under way is not meant by its answer.
    let (queues, tickets): (Vec<_>, Vec<_>) = desk.held.leases().into_iter().unzip();
    if queues.is_empty() {
        return Ok(());
    }
    let leases = backend.beat(&desk.overseer, &queues).await?;
    if leases.contains(&Lease::Held) {
        desk.outage.wrote();
    }
    for ((queue, ticket), lease) in queues.iter().zip(tickets).zip(leases) {
        if lease == Lease::Lost {
            desk.lose(queue, ticket);
        }
    }
    Ok(())
}
