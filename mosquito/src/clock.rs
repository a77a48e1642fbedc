//! Tells the time to backends that have no server to ask.
//!
//! Invariant: one store has one clock. Leases, due times and ticks are compared on it alone, so a
//! client whose own clock is wrong harms nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A moment on a backend's clock, to the millisecond.
pub type Timestamp = DateTime<Utc>;

/// Where a memory or SQLite backend reads the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Tokio { start: tokio::time::Instant, origin: Timestamp },
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Tokio's clock, counted from the machine's time now: it stands still and jumps with
    /// `tokio::time::pause` and `tokio::time::advance`.
    #[must_use]
    pub fn tokio() -> Self {
        Self(Source::Tokio { start: tokio::time::Instant::now(), origin: Utc::now() })
    }

    /// A clock that stands at the machine's time now, until [`step`](Self::step) moves it.
    #[must_use]
    pub fn manual() -> Self {
        Self::manual_at(Utc::now())
    }

    /// A clock that stands at a time, until [`step`](Self::step) moves it.
    #[must_use]
    pub fn manual_at(time: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(time.timestamp_millis()))))
    }

    /// Moves a [`manual`](Self::manual) clock, and all its clones, by so many milliseconds: back, when negative.
    ///
    /// # Panics
    ///
    /// If the clock is not a manual one, which nobody can move.
    pub fn step(&self, milliseconds: i64) {
        let Source::Manual(now) = &self.0 else { panic!("only a manual clock can be moved") };
        now.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// The time now, cut to the millisecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = match &self.0 {
            Source::System => Utc::now(),
            Source::Tokio { start, origin } => after(*origin, start.elapsed()),
            Source::Manual(now) => return from_millis(now.load(Ordering::SeqCst)),
        };
        from_millis(now.timestamp_millis())
    }
}

/// The moment so long after another; the end of time when that is past it.
pub(crate) fn after(time: Timestamp, delay: Duration) -> Timestamp {
    TimeDelta::from_std(delay)
        .ok()
        .and_then(|delay| time.checked_add_signed(delay))
        .unwrap_or(Timestamp::MAX_UTC)
}

/// The moment so long before another; the beginning of time when that is past it.
pub(crate) fn before(time: Timestamp, span: Duration) -> Timestamp {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| time.checked_sub_signed(span))
        .unwrap_or(Timestamp::MIN_UTC)
}

/// The moment so many milliseconds after 1970; the nearest there is when no calendar has it.
pub(crate) fn from_millis(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap_or(if millis < 0 {
        Timestamp::MIN_UTC
    } else {
        Timestamp::MAX_UTC
    })
}

/// A duration in whole milliseconds, at least one unless it is zero, at most what a store can add to a time.
pub(crate) fn millis(duration: Duration) -> i64 {
    const A_THOUSAND_YEARS: i64 = 1000 * 366 * 86_400_000;
    let millis = duration.as_nanos().div_ceil(1_000_000);
    i64::try_from(millis).map_or(A_THOUSAND_YEARS, |millis| millis.min(A_THOUSAND_YEARS))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, Timestamp, after, millis};

    #[tokio::test(start_paused = true)]
    async fn tokios_clock_moves_only_with_tokio() {
        let clock = Clock::tokio();
        let before = clock.now();

        tokio::time::advance(Duration::from_secs(3600)).await;

        assert_eq!((clock.now() - before).num_seconds(), 3600);
    }

    #[test]
    fn a_time_past_the_end_is_the_end() {
        assert_eq!(after(Timestamp::MAX_UTC, Duration::MAX), Timestamp::MAX_UTC);
        assert_eq!(millis(Duration::from_micros(1)), 1);
        assert!(millis(Duration::MAX) < i64::MAX / 2);
    }
}
