//! Hears which of the runs that this overseer performs were cancelled, and fires their tokens.
//!
//! ```text
//! cancel ──mark──> store <──look── ear ──fire──> token
//!    └─────word──> store ──hear───> │
//! ```
//!
//! The mark is what counts; the word only says that there is one. So the ear looks first, listens then, and looks again after
//! each word, after each failure, and twice a second: a word that gets lost costs half a second, and so does a connection that is
//! dead and does not say so. With nothing in hand it does neither.
//!
//! A look that is not answered soon is not waited for alone: [scouts](super::scouts) look beside it, each on new connections. The first to be
//! answered knows what was cancelled, and the ear goes on with its connections.
//!
//! Invariant: as the pulse, it has a thread and connections that no job can hold up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use super::backoff::Backoff;
use super::desk::Desk;
use super::scouts::{self, DOUBT};
use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::name::QueueName;

/// How long it listens at a time.
const LISTENED: Duration = Duration::from_secs(5);

/// How long from one look to the next. Whoever was cut off is to hear within a second of being back what it missed, of which a
/// connection that died in silence takes this and [`DOUBT`].
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a look may take at most until a scout is sent, where the store is far away.
const LONGEST_DOUBT: Duration = Duration::from_secs(1);

/// How many times as long as the look before it a look may take.
const FAR: u32 = 3;

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_millis(300);

/// Looks and listens, for as long as it is polled.
pub(super) async fn listen(desk: &Desk, backend: &dyn Backend) {
    let mut found: Option<Arc<dyn Backend>> = None;
    loop {
        let better = until_it_is_deaf(desk, found.as_deref().unwrap_or(backend)).await;
        found = Some(better);
    }
}

/// Looks and listens, until a scout was answered and this one was not: answers the connections of that.
async fn until_it_is_deaf(desk: &Desk, backend: &dyn Backend) -> Arc<dyn Backend> {
    let (mut backoff, mut doubt) = (Backoff::default(), DOUBT);
    loop {
        desk.held.until_any().await;
        let mut heard = pin!(backend.listen(&desk.overseer, desk.settings.heartbeat.min(LISTENED)));
        loop {
            let pause = match desk.held.len() {
                // A wait that is given up costs its connection: it goes on to its end.
                0 => LOOK_EVERY,
                _ => {
                    let begin = Instant::now();
                    match look_soon(desk, backend, doubt).await {
                        Answer::Here(Look::AllTold) => {
                            backoff.reset();
                            doubt = (FAR * begin.elapsed()).clamp(DOUBT, LONGEST_DOUBT);
                            LOOK_EVERY
                        }
                        Answer::Here(_) => pause_after(&mut backoff),
                        Answer::There(better) => return better,
                    }
                }
            };
            match timeout(pause, &mut heard).await {
                Err(_) => (),
                Ok(Ok(_)) => break,
                Ok(Err(error)) => {
                    failed(desk, error);
                    sleep(pause_after(&mut backoff)).await;
                    break;
                }
            }
        }
    }
}

/// Bounded first, so that those who have waited longest are not in step either.
fn pause_after(failure: &mut Backoff) -> Duration {
    failure.next().min(LONGEST_PAUSE).mul_f64(0.5 + fastrand::f64() / 2.0)
}

/// Who answered.
enum Answer {
    Here(Look),
    There(Arc<dyn Backend>),
}

/// What came of looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    AllTold,
    /// Something that is marked is not held.
    NotAllTold,
    Failed,
}

/// Looks, and sends scouts when that takes too long.
async fn look_soon(desk: &Desk, backend: &dyn Backend, doubt: Duration) -> Answer {
    let here = async { Answer::Here(look_everywhere(desk, backend).await) };
    scouts::beside(here, doubt, || async { scout(desk, backend).await.map(Answer::There) }).await
}

/// Looks over new connections, and answers those if it could.
async fn scout(desk: &Desk, backend: &dyn Backend) -> Option<Arc<dyn Backend>> {
    // Why it could not, whoever is waited for will tell.
    let own = backend.separate().await.ok()?;
    let look = look_everywhere(desk, &*own).await;
    (look != Look::Failed).then_some(own)
}

/// Looks into each queue in which something is held. One whose server hangs, in a cluster, holds up the others for as long as a call
/// may take.
async fn look_everywhere(desk: &Desk, backend: &dyn Backend) -> Look {
    let queues = desk.held.leases().into_iter();
    let looks = queues.map(|(queue, _)| async move {
        match look(desk, backend, &queue).await {
            Ok(true) => Look::AllTold,
            Ok(false) => Look::NotAllTold,
            Err(error) => {
                failed(desk, error);
                Look::Failed
            }
        }
    });
    join_all(looks).await.into_iter().max().unwrap_or(Look::AllTold)
}

/// Whether all that is marked was told. A marked run that is not held is on its way here, by the answer to a claim; or the store has
/// lost its settlement.
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
