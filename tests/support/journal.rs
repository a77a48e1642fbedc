//! What many processes write down together: one file, one line a fact, in one write each.
//!
//! A line is `fact id number pid time`. It is appended by a single write, so lines of different processes do not
//! mix, and what a process wrote before a `kill -9` is there: the operating system has it already. The file may also
//! be a named pipe, whose reader forgets what it has counted.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// So many bytes at once are not torn apart by a pipe.
const ATOMIC: usize = 4_000;

/// Something that a process did, or saw its store do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// It began to perform a run; the number is the attempt.
    Began,
    /// It performed a run to its end; the number is the attempt.
    Ended,
    /// It performed an attempt that failed as it should; the number is the attempt.
    Failed,
    /// A run's token fired while it was performed; the number is the attempt.
    Cancelled,
    /// It enqueued a run, and the store said so.
    Enqueued,
    /// It claimed a run, at this time of the store's clock; the number is the attempt that begins.
    Claimed,
    /// The store agreed that a run is done and forgot it; the number is the attempt of the claim that was settled.
    Forgotten,
    /// The store agreed that a run goes elsewhere; the number is the attempt of the claim that was settled.
    Moved,
    /// The store refused a settlement, because its claim did not stand any more.
    Refused,
    /// It took runs back from a dead overseer; the number is how many.
    Rescued,
    /// It banished runs that too many processes died with; the number is how many.
    Poisoned,
    /// It came to its fail point, and is about to die; the number is the signal.
    Died,
}

impl Fact {
    const ALL: [(Self, &str); 12] = [
        (Self::Began, "began"),
        (Self::Ended, "ended"),
        (Self::Failed, "failed"),
        (Self::Cancelled, "cancelled"),
        (Self::Enqueued, "enqueued"),
        (Self::Claimed, "claimed"),
        (Self::Forgotten, "forgotten"),
        (Self::Moved, "moved"),
        (Self::Refused, "refused"),
        (Self::Rescued, "rescued"),
        (Self::Poisoned, "poisoned"),
        (Self::Died, "died"),
    ];
}

/// One line of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub fact: Fact,
    /// The run, or `-`.
    pub id: String,
    /// What the fact says it is.
    pub number: u64,
    /// Who wrote it.
    pub pid: u32,
    /// When, in milliseconds since 1970, by the clock of the machine.
    pub at: u64,
}

impl Entry {
    /// Something that this process did just now.
    #[must_use]
    pub fn now(fact: Fact, id: impl fmt::Display, number: impl Into<u64>) -> Self {
        Self { fact, id: id.to_string(), number: number.into(), pid: std::process::id(), at: now() }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fact, id, number, pid, at } = self;
        let (_, word) =
            Fact::ALL.iter().find(|(one, _)| one == fact).expect("the list has all facts that there are");
        write!(f, "{word} {id} {number} {pid} {at}")
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let parts: Vec<_> = line.split(' ').collect();
        let read = || {
            let [word, id, number, pid, at] = parts[..] else { return None };
            let (fact, _) = Fact::ALL.iter().find(|(_, one)| *one == word)?;
            let (number, pid, at) = (number.parse().ok()?, pid.parse().ok()?, at.parse().ok()?);
            Some(Self { fact: *fact, id: id.into(), number, pid, at })
        };
        read().ok_or_else(|| format!("`{line}` is no line of a journal"))
    }
}

/// Where a process writes what it did. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<File>);

impl Journal {
    /// Opens a journal, and makes the file when there is none.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self(Arc::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Writes down one fact.
    ///
    /// # Panics
    ///
    /// When that is impossible: a ledger that is not exact is worth nothing.
    pub fn note(&self, fact: Fact, id: impl fmt::Display, number: impl Into<u64>) {
        self.write([Entry::now(fact, id, number)]);
    }

    /// Writes down facts, in as few writes as keep each line whole.
    ///
    /// # Panics
    ///
    /// As [`note`](Self::note).
    pub fn write(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut lines = String::new();
        for entry in entries {
            let line = format!("{entry}\n");
            if lines.len() + line.len() > ATOMIC {
                self.append(&std::mem::take(&mut lines));
            }
            lines += &line;
        }
        self.append(&lines);
    }

    fn append(&self, lines: &str) {
        if !lines.is_empty() {
            let wrote = (&*self.0).write(lines.as_bytes()).expect("the journal can be written");
            assert_eq!(wrote, lines.len(), "lines are written whole");
        }
    }
}

/// Milliseconds since 1970, by the clock of the machine.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("there is time until 2554")
}

#[cfg(test)]
mod tests {
    use super::{Entry, Fact, Journal};

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let entries: Vec<_> = (0..500_u64).map(|n| Entry::now(Fact::Ended, format!("run-{n}"), n)).collect();

        Journal::open(&path).unwrap().write(entries.clone());

        let text = std::fs::read_to_string(path).unwrap();
        let read: Vec<Entry> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(read, entries, "however many writes it took");
    }

    #[test]
    fn a_torn_line_is_no_fact() {
        assert!("ended run-1 1 77".parse::<Entry>().is_err(), "something is missing");
        assert!("endedx run-1 1 77 5".parse::<Entry>().is_err(), "nobody writes that");
    }
}
