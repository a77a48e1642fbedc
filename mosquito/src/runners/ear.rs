//! Hears which of the runs that this overseer performs were cancelled, and fires their tokens.
//!
//! ```text
//! cancel ──mark──> store <──look── ear ──fire──> token
//!    └─────word──> store ──hear───> │
//! ```
//!
//! The mark is what counts; the word only says that there is one. So the ear looks first, listens then, and looks again after
//! each word, after each failure, and at the pace of the heartbeat: a word that gets lost costs a few seconds, and an
//! overseer that was cut off looks as soon as it is back. With nothing in hand it does neither.
//!
//! Invariant: as the pulse, it has a thread and connections that no job can hold up.

use std::time::Duration;

use futures_util::future::join_all;

use super::backoff::Backoff;
use super::desk::Desk;
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::name::QueueName;

/// The longest time from one look to the next: a connection that is dead and does not say so is noticed by then.
const LISTENED: Duration = Duration::from_secs(5);

/// The longest pause after a failure. Whoever was cut off is to hear within a second of what it missed.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Looks and listens, for as long as it is polled.
pub(super) async fn listen(desk: &Desk, backend: &dyn Backend) {
    let mut backoff = Backoff::default();
    loop {
        desk.held.until_any().await;
        let patience = match look_everywhere(desk, backend).await {
            // Each runs at its own pace from here on.
            true => {
                backoff.reset();
                desk.settings.heartbeat.min(LISTENED)
            }
            false => backoff.next().min(LONGEST_PAUSE),
        };
        if let Err(error) = backend.listen(&desk.overseer, patience).await {
            failed(desk, error);
            tokio::time::sleep(backoff.next().min(LONGEST_PAUSE)).await;
        }
    }
}

/// Looks into each queue in which something is held; whether all that is marked there was told. One whose server hangs, in a
/// cluster, holds up the others for as long as a call may take.
async fn look_everywhere(desk: &Desk, backend: &dyn Backend) -> bool {
    let queues = desk.held.leases().into_iter();
    let looks = queues.map(|(queue, _)| async move {
        match look(desk, backend, &queue).await {
            Ok(all_told) => all_told,
            Err(error) => {
                failed(desk, error);
                false
            }
        }
    });
    join_all(looks).await.into_iter().all(|all_told| all_told)
}

/// A marked run that is not held is on its way here, by the answer to a claim; or the store has lost its settlement.
async fn look(desk: &Desk, backend: &dyn Backend, queue: &QueueName) -> Result<bool> {
    let marked = backend.cancelled(queue, &desk.overseer).await?;
    let (told, all_are_held) = desk.held.cancel(queue, &marked);
    for id in told {
        desk.events.emit(|| Event::Cancelled { queue: queue.clone(), id });
    }
    Ok(all_are_held)
}

fn failed(desk: &Desk, error: Error) {
    match error {
        error if error.is_transient() => desk.outage.failed(&error, &desk.events),
        error @ Error::Denied { .. } => desk.give_up(error),
        error => tracing::error!(target: "mosquito", ?error, "the store refused to tell what was cancelled"),
    }
}
