//! What the parts of one overseer share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backoff::Outage;
use super::held::Held;
use super::tally::Tally;
use crate::backend::{Backend, Ticket};
use crate::error::Error;
use crate::events::{Event, Events};
use crate::job::{Enqueuer, Registry, States};
use crate::middleware::Layers;
use crate::name::OverseerId;

/// How an overseer is to work, as its runner was told.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) executors: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) dead_after: Duration,
    pub(crate) reap_every: Duration,
    pub(crate) max_crashes: u32,
    pub(crate) grace: Duration,
    pub(crate) stuck_after: Duration,
    pub(crate) middleware: Layers,
    /// A number from 0 to 1, which places each wait for a retry within its jitter.
    pub(crate) chance: fn() -> f64,
}

pub(crate) struct Desk {
    pub(crate) overseer: OverseerId,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) enqueuer: Enqueuer,
    pub(crate) events: Events,
    pub(crate) registry: Registry,
    pub(crate) states: Arc<States>,
    pub(crate) settings: Settings,
    pub(crate) tally: Arc<Tally>,
    pub(super) held: Held,
    pub(super) outage: Outage,
    /// Fires when nothing more is to be claimed.
    pub(crate) stop: CancellationToken,
    /// Fires when nothing is to be waited for any more.
    pub(crate) leave: CancellationToken,
    /// Why it stopped, if not because it was told to.
    fatal: Mutex<Option<Error>>,
    tickets: AtomicU64,
}

impl Desk {
    pub(crate) fn new(enqueuer: Enqueuer, registry: Registry, states: States, settings: Settings) -> Self {
        Self {
            overseer: OverseerId::random(),
            backend: enqueuer.backend.clone(),
            events: enqueuer.events.clone(),
            enqueuer,
            registry,
            states: Arc::new(states),
            settings,
            tally: Arc::default(),
            held: Held::default(),
            outage: Outage::default(),
            stop: CancellationToken::new(),
            leave: CancellationToken::new(),
            fatal: Mutex::default(),
            tickets: AtomicU64::new(1),
        }
    }

    /// A ticket that was never used before.
    pub(super) fn next_ticket(&self) -> Ticket {
        let number = self.tickets.fetch_add(1, Ordering::Relaxed);
        Ticket { overseer: self.overseer.clone(), number }
    }

    /// Notes whether the store answered, and passes the answer on.
    pub(super) fn noted<T>(&self, answer: Result<T, Error>) -> Result<T, Error> {
        match &answer {
            Ok(_) => self.outage.succeeded(&self.events),
            Err(error) if error.is_transient() => self.outage.failed(error, &self.events),
            Err(error) => tracing::error!(target: "mosquito", ?error, "the store refused"),
        }
        answer
    }

    /// Notes the answer to a companion, which goes on without one; but a user that lacks a permission ends the runner.
    pub(super) fn tried<T>(&self, answer: Result<T, Error>) -> Option<T> {
        match self.noted(answer) {
            Ok(answer) => Some(answer),
            Err(error @ Error::Denied { .. }) => {
                self.give_up(error);
                None
            }
            Err(_) => None,
        }
    }

    /// Gives up what was claimed in a queue up to a ticket, and says so.
    pub(super) fn lose(&self, queue: &crate::QueueName, up_to: u64) {
        let runs = self.held.lose(queue, up_to);
        if runs > 0 {
            let overseer = self.overseer.clone();
            self.events.emit(|| Event::LeaseLost { queue: queue.clone(), overseer, runs });
        }
    }

    /// Ends the runner with an error that no patience helps against.
    pub(super) fn give_up(&self, error: Error) {
        // The first one says why; whatever comes after it is a consequence.
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.stop.cancel();
    }

    /// What the runner was given up for.
    pub(super) fn fatal(&self) -> Option<Error> {
        self.fatal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// A pause that ends early when the overseer stops.
    pub(super) async fn rest(&self, pause: Duration) {
        self.stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }

    pub(super) async fn rest_until(&self, time: tokio::time::Instant) {
        self.stop.run_until_cancelled(tokio::time::sleep_until(time)).await;
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("overseer", &self.overseer)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
