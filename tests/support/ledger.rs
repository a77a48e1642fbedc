//! Counts what was performed, id by id, and says exactly which are missing and which came twice.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many ids of a kind a report lists before it only counts them.
const LISTED: usize = 20;

/// How often each id was performed, against the ids that should have been.
#[derive(Default)]
pub struct Ledger {
    entries: Mutex<BTreeMap<String, Entry>>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    expected: bool,
    performed: usize,
}

impl Ledger {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes down that an id is to be performed.
    pub fn expect(&self, id: impl ToString) {
        self.lock().entry(id.to_string()).or_default().expected = true;
    }

    /// Writes down that an id was performed.
    pub fn performed(&self, id: impl ToString) {
        self.lock().entry(id.to_string()).or_default().performed += 1;
    }

    /// How many of the expected ids were performed at least once.
    #[must_use]
    pub fn done(&self) -> usize {
        self.lock().values().filter(|entry| entry.expected && entry.performed > 0).count()
    }

    /// Whether each expected id was performed at least once.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lock().values().all(|entry| !entry.expected || entry.performed > 0)
    }

    /// The ids that were performed more than once, and how often.
    #[must_use]
    pub fn doubles(&self) -> Vec<(String, usize)> {
        let performed = |(id, entry): (&String, &Entry)| (id.clone(), entry.performed);
        self.lock().iter().filter(|(_, entry)| entry.performed > 1).map(performed).collect()
    }

    /// Checks that nothing expected is missing and nothing unexpected came; some may have come twice.
    ///
    /// # Panics
    ///
    /// With the whole report, when that is not so.
    pub fn assert_no_gap(&self) {
        assert!(self.gaps().is_empty() && self.strangers().is_empty(), "the ledger has a gap\n{self}");
    }

    /// Checks that each expected id was performed exactly once, and nothing else.
    ///
    /// # Panics
    ///
    /// With the whole report, when that is not so.
    pub fn assert_exact(&self) {
        self.assert_no_gap();
        assert!(self.doubles().is_empty(), "the ledger has ids that were performed twice\n{self}");
    }

    fn gaps(&self) -> Vec<String> {
        let missing = |(_, entry): &(&String, &Entry)| entry.expected && entry.performed == 0;
        self.lock().iter().filter(missing).map(|(id, _)| id.clone()).collect()
    }

    fn strangers(&self) -> Vec<String> {
        self.lock().iter().filter(|(_, entry)| !entry.expected).map(|(id, _)| id.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        // A test that panicked elsewhere still wants to read it.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doubles: Vec<_> =
            self.doubles().into_iter().map(|(id, times)| format!("{id} ({times} times)")).collect();
        let expected = self.lock().values().filter(|entry| entry.expected).count();
        writeln!(f, "  expected {expected}, performed {}", self.done())?;
        write_ids(f, "never performed", &self.gaps())?;
        write_ids(f, "performed more than once", &doubles)?;
        write_ids(f, "performed and not expected", &self.strangers())
    }
}

fn write_ids(f: &mut fmt::Formatter<'_>, what: &str, ids: &[String]) -> fmt::Result {
    let listed = ids[..ids.len().min(LISTED)].join(", ");
    let more = if ids.len() > LISTED { ", …" } else { "" };
    writeln!(f, "  {what}: {} {listed}{more}", ids.len())
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn a_ledger_names_what_is_missing_doubled_and_unexpected() {
        let ledger = Ledger::new();
        ["a", "b", "c"].into_iter().for_each(|id| ledger.expect(id));
        ["a", "b", "b", "x"].into_iter().for_each(|id| ledger.performed(id));

        let report = ledger.to_string();

        assert!(report.contains("expected 3, performed 2"), "{report}");
        assert!(report.contains("never performed: 1 c"), "{report}");
        assert!(report.contains("performed more than once: 1 b (2 times)"), "{report}");
        assert!(report.contains("performed and not expected: 1 x"), "{report}");
        assert!(!ledger.is_complete(), "c is missing");
    }

    #[test]
    fn a_double_is_no_gap() {
        let ledger = Ledger::new();
        ledger.expect(1);
        ledger.performed(1);
        ledger.assert_exact();

        ledger.performed(1);

        ledger.assert_no_gap();
        assert_eq!(ledger.doubles(), [("1".into(), 2)], "but it is told");
    }
}
