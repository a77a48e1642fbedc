//! Which runs were performed: the same code in each worker that is written in Rust.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::assignment::{Arguments, Performed, Work};
use crate::clock;

/// What of an attempt becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Told {
    Succeed,
    Fail,
}

/// One cell for each run, made before the time starts.
pub(crate) struct Ledger {
    work: Work,
    /// How often each run was performed to the end; and in the highest bit, whether it was told to fail.
    cells: Vec<AtomicU8>,
    /// In µs; `u32::MAX` of a run that did not say when it was meant. Empty when nobody asks.
    latencies: Vec<AtomicU32>,
    left: AtomicUsize,
    all: Notify,
}

const FAILED: u8 = 0x80;
/// Each tenth.
const FAILING: usize = 10;

impl Ledger {
    pub(crate) fn of(runs: usize, work: Work, timed: bool) -> Self {
        Self {
            work,
            cells: (0..runs).map(|_| AtomicU8::new(0)).collect(),
            latencies: (0..if timed { runs } else { 0 }).map(|_| AtomicU32::new(u32::MAX)).collect(),
            left: AtomicUsize::new(runs),
            all: Notify::new(),
        }
    }

    /// Notes that a run is being performed, and says whether it is to fail this time.
    pub(crate) fn note(&self, run: &Arguments) -> Told {
        let number = run.number();
        let Some(cell) = self.cells.get(number) else { return Told::Succeed };
        if self.work == Work::Retry
            && number.is_multiple_of(FAILING)
            && cell.fetch_or(FAILED, Ordering::Relaxed) & FAILED == 0
        {
            return Told::Fail;
        }
        if let Some(latency) = self.latencies.get(number).filter(|_| run.at > 0) {
            let late = clock::now().saturating_sub(run.at).min(u64::from(u32::MAX - 1)) as u32;
            latency.fetch_min(late, Ordering::Relaxed);
        }
        if cell.fetch_add(1, Ordering::Relaxed) & !FAILED == 0
            && self.left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.all.notify_one();
        }
        Told::Succeed
    }

    /// Waits until every run was performed.
    pub(crate) async fn all(&self) {
        self.all.notified().await;
    }

    pub(crate) fn report(&self) -> Performed {
        let counts = || self.cells.iter().map(|cell| cell.load(Ordering::Relaxed) & !FAILED);
        let latencies = self.latencies.iter().map(|latency| latency.load(Ordering::Relaxed));
        Performed {
            performed: counts().filter(|count| *count > 0).count(),
            doubled: counts().filter(|count| *count > 1).count(),
            latencies: latencies.filter(|latency| *latency < u32::MAX).map(u64::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, Told};
    use crate::assignment::{Arguments, Work};

    #[test]
    fn what_is_lost_and_what_is_doubled_is_counted() {
        let ledger = Ledger::of(4, Work::Plain, false);

        for number in [0, 2, 2] {
            ledger.note(&Arguments::of(number, 0));
        }

        let report = ledger.report();
        assert_eq!((report.performed, report.doubled, report.latencies.len()), (2, 1, 0));
    }

    #[test]
    fn each_tenth_run_fails_once() {
        let ledger = Ledger::of(20, Work::Retry, true);

        let told = |number| ledger.note(&Arguments::of(number, 0));

        assert_eq!(
            [told(0), told(0), told(1), told(10)],
            [Told::Fail, Told::Succeed, Told::Succeed, Told::Fail]
        );
        assert_eq!(ledger.report().performed, 2);
    }
}
