//! How long to wait before a store that did not answer is asked again.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::Error;
use crate::events::{Event, Events};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// The patience of one loop: waits twice as long after each failure in a row, and at random between half of
/// that and all of it, so that a fleet does not come back in step.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(super) fn next(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures += 1;
        wait.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// Whether the store is out of reach, for the events: told once when it goes, and once when it is back.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Mutex<Option<Instant>>,
    written: Mutex<Option<Instant>>,
}

impl Outage {
    pub(super) fn failed(&self, error: &Error, events: &Events) {
        let mut since = self.lock();
        if since.is_none() {
            *since = Some(Instant::now());
            events.emit(|| Event::BackendLost { reason: format!("{error:?}") });
        }
    }

    pub(super) fn succeeded(&self, events: &Events) {
        if let Some(since) = self.lock().take() {
            events.emit(|| Event::BackendBack { after: since.elapsed() });
        }
    }

    /// The store has taken something down: one that only answers may still refuse to.
    pub(super) fn wrote(&self) {
        *self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the store has taken anything down since a moment.
    pub(super) fn wrote_since(&self, moment: Instant) -> bool {
        let written = *self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        written.is_some_and(|written| written > moment)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, LONGEST};

    #[test]
    fn each_wait_is_longer_up_to_a_bound_and_none_is_like_another() {
        let mut backoff = Backoff::default();

        let waits: Vec<_> = (0..40).map(|_| backoff.next()).collect();

        assert!(waits[0] <= super::FIRST && waits[5] > waits[0]);
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert_ne!(waits[20..30], waits[30..40], "they are drawn at random");
    }
}
