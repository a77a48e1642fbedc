//! Keeps the fingerprints, in a SQLite file of their own: the store of the runs belongs to mosquito.
//!
//! A fingerprint is written before its run ends, under the file's path: whatever is performed again
//! after a crash changes nothing.

use std::fs::Metadata;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Result, params};

use crate::files::FilePath;

/// What is known of a file.
pub(crate) struct Fingerprint {
    /// In bytes.
    pub(crate) size: u64,
    /// How many newline characters it has.
    pub(crate) lines: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// Who took a fingerprint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakenBy {
    /// An earlier start of this program.
    AnEarlierStart,
    /// This one.
    ThisStart,
}

/// The fingerprints of all files so far.
pub(crate) struct Results {
    connection: Mutex<Connection>,
    /// When this start was: what it keeps bears it.
    start: i64,
}

impl Results {
    /// Opens the file, and makes it when there is none.
    pub(crate) fn open(path: &str) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        // An empty file is nothing to lose: the first run need not wait until it is on the disk.
        connection.pragma_update(None, "synchronous", "off")?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS fingerprints (
                path TEXT PRIMARY KEY, size INTEGER, lines INTEGER, sha256 TEXT,
                length INTEGER, changed INTEGER, start INTEGER
            ) STRICT, WITHOUT ROWID",
        )?;
        // Enough for a killed process. What a power cut takes away is found missing by the next start.
        connection.pragma_update(None, "synchronous", "normal")?;
        let start = nanoseconds(SystemTime::now());
        Ok(Self { connection: Mutex::new(connection), start })
    }

    /// Keeps a file's fingerprint, with what tells whether the file was changed since.
    pub(crate) fn keep(&self, path: &FilePath, metadata: &Metadata, fingerprint: &Fingerprint) -> Result<()> {
        let Fingerprint { size, lines, sha256 } = fingerprint;
        self.lock()
            .prepare_cached("INSERT OR REPLACE INTO fingerprints VALUES (?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                path.as_str(),
                signed(*size),
                signed(*lines),
                sha256,
                signed(metadata.len()),
                changed(metadata),
                self.start
            ])?;
        Ok(())
    }

    /// Who took the file's fingerprint, if it was not changed since.
    pub(crate) fn taken_by(&self, path: &FilePath, metadata: &Metadata) -> Result<Option<TakenBy>> {
        let start: Option<i64> = self
            .lock()
            .prepare_cached("SELECT start FROM fingerprints WHERE path = ? AND length = ? AND changed = ?")?
            .query_row(params![path.as_str(), signed(metadata.len()), changed(metadata)], |row| row.get(0))
            .optional()?;
        Ok(start.map(|start| if start == self.start { TakenBy::ThisStart } else { TakenBy::AnEarlierStart }))
    }

    /// A file's fingerprint.
    pub(crate) fn find(&self, path: &FilePath) -> Result<Option<Fingerprint>> {
        self.lock()
            .prepare_cached("SELECT size, lines, sha256 FROM fingerprints WHERE path = ?")?
            .query_row([path.as_str()], |row| {
                let number = |column| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)?.unsigned_abs());
                Ok(Fingerprint { size: number(0)?, lines: number(1)?, sha256: row.get(2)? })
            })
            .optional()
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A statement is performed wholly or not at all, whoever panics.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SQLite has no unsigned numbers.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The time of the last change; 0 where the file system knows none.
fn changed(metadata: &Metadata) -> i64 {
    metadata.modified().map_or(0, nanoseconds)
}

fn nanoseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
