//! Beats for the overseer: keeps the leases on its claims alive.
//!
//! Invariant: no job can stop it. It has a thread, a runtime and connections to itself, so that jobs which
//! hold every thread of the application's runtime do not make the overseer look dead.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::desk::Desk;
use crate::backend::{Backend, Lease};
use crate::error::{Error, Result};

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
                desk.outage.failed(&error, &desk.events);
                done.run_until_cancelled(tokio::time::sleep(desk.settings.heartbeat / 4)).await;
            }
        }
    }
}

async fn beat_until(desk: &Desk, backend: &dyn Backend, done: &CancellationToken) {
    while !done.is_cancelled() {
        let pause = match beat(desk, backend).await {
            Ok(()) => desk.settings.heartbeat,
            // Soon again: the lease runs on.
            Err(error) => {
                desk.outage.failed(&error, &desk.events);
                desk.settings.heartbeat / 4
            }
        };
        done.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

async fn beat(desk: &Desk, backend: &dyn Backend) -> Result<()> {
    // What is claimed while the beat is under way is not meant by its answer.
    let (queues, tickets): (Vec<_>, Vec<_>) = desk.held.leases().into_iter().unzip();
    if queues.is_empty() {
        return Ok(());
    }
    let leases = backend.beat(&desk.overseer, &queues).await?;
    for ((queue, ticket), lease) in queues.iter().zip(tickets).zip(leases) {
        if lease == Lease::Lost {
            desk.lose(queue, ticket);
        }
    }
    Ok(())
}
