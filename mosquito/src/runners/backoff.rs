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

/// Within which time a store that is lost again counts as lost in part.
const RELAPSE: Duration = Duration::from_secs(60);

/// For how long nothing must fail before a store is back that was lost again.
const FIRST_CALM: Duration = Duration::from_secs(1);
const LONGEST_CALM: Duration = Duration::from_secs(30);

/// An answer that comes so soon after a failure was on its way already, and does not say that the store is back.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// Whether the store is out of reach, for the events: told once when it goes, and once when it is back.
///
/// A part of it may stay away while the rest answers: a server of a cluster, or a disk that can be read but not written. So that this
/// is not told again and again, a store that is lost soon after it was back has to be calm for longer each time.
#[derive(Debug, Default)]
pub(super) struct Outage {
    reach: Mutex<Reach>,
    written: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Reach {
    /// When it was lost, unless it is in reach.
    lost: Option<Instant>,
    failed: Option<Instant>,
    back: Option<Instant>,
    calm: Duration,
}

impl Outage {
    pub(super) fn failed(&self, error: &Error, events: &Events) {
        let mut reach = self.lock();
        reach.failed = Some(Instant::now());
        if reach.lost.is_none() {
            reach.lost = reach.failed;
            reach.calm = match reach.back {
                Some(back) if back.elapsed() < RELAPSE => (reach.calm * 2).clamp(FIRST_CALM, LONGEST_CALM),
                _ => ON_ITS_WAY,
            };
            events.emit(|| Event::BackendLost { reason: format!("{error:?}") });
        }
    }

    pub(super) fn succeeded(&self, events: &Events) {
        let mut reach = self.lock();
        let is_calm = reach.failed.is_none_or(|failed| failed.elapsed() >= reach.calm);
        if is_calm && let Some(lost) = reach.lost.take() {
            reach.back = Some(Instant::now());
            events.emit(|| Event::BackendBack { after: lost.elapsed() });
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::{Backoff, LONGEST, LONGEST_CALM, Outage};
    use crate::error::Error;
    use crate::events::{Event, Events};

    #[test]
    fn each_wait_is_longer_up_to_a_bound_and_none_is_like_another() {
        let mut backoff = Backoff::default();

        let waits: Vec<_> = (0..40).map(|_| backoff.next()).collect();

        assert!(waits[0] <= super::FIRST && waits[5] > waits[0]);
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert_ne!(waits[20..30], waits[30..40], "they are drawn at random");
    }

    fn out_of_reach() -> Error {
        Error::Unavailable { backend: "the store".into(), source: "gone".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_is_back_as_soon_as_it_answers_what_was_asked_since() {
        let (outage, events) = (Outage::default(), Events::new());
        let mut told = events.subscribe();

        outage.failed(&out_of_reach(), &events);
        outage.failed(&out_of_reach(), &events);
        outage.succeeded(&events);
        sleep(super::ON_ITS_WAY).await;
        outage.failed(&out_of_reach(), &events);
        sleep(super::ON_ITS_WAY).await;
        outage.succeeded(&events);
        outage.succeeded(&events);

        assert!(matches!(told.next().await, Some(Event::BackendLost { .. })));
        let back = told.next().await;
        let away = 2 * super::ON_ITS_WAY;
        assert!(matches!(back, Some(Event::BackendBack { after }) if after == away), "{back:?}");
        drop((outage, events));
        assert!(told.next().await.is_none(), "each is told once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_stays_away_is_not_told_again_and_again() {
        let (outage, events) = (Outage::default(), Events::new());
        let mut told = events.subscribe();

        for _ in 0..3_000 {
            outage.failed(&out_of_reach(), &events);
            sleep(Duration::from_millis(300)).await;
            outage.succeeded(&events);
            sleep(Duration::from_millis(900)).await;
        }
        sleep(LONGEST_CALM).await;
        outage.succeeded(&events);

        drop((outage, events));
        let mut all = Vec::new();
        while let Some(event) = told.next().await {
            all.push(event);
        }
        assert!(all.len() <= 8, "it is told {} times in an hour", all.len());
        assert!(matches!(all.last(), Some(Event::BackendBack { .. })), "at last it is back");
    }
}
