//! Whether the file that is open is still the one that its path names.
//!
//! SQLite goes on with a file that was deleted or replaced under it: whatever it stores then is gone when it is closed,
//! and a log that belongs to another file damages that one. So each transaction asks first.

use std::io;
use std::path::{Path, PathBuf};

/// What the operating system knows a file by.
type Number = (u64, u64);

/// The file, and the log beside it.
#[derive(Debug)]
pub(super) struct Identity {
    database: Seen,
    log: Seen,
}

#[derive(Debug)]
struct Seen {
    path: PathBuf,
    number: Option<Number>,
}

impl Identity {
    /// Of a file that was just opened.
    pub(super) fn of(path: &Path) -> Self {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Self { database: Seen::at(path.into()), log: Seen::at(log.into()) }
    }

    /// Whether the path names another file now, or none.
    pub(super) fn is_lost(&mut self) -> bool {
        self.database.is_lost() || self.log.is_lost()
    }
}

impl Seen {
    fn at(path: PathBuf) -> Self {
        let mut seen = Self { path, number: None };
        seen.is_lost();
        seen
    }

    fn is_lost(&mut self) -> bool {
        match (number(&self.path), self.number) {
            (Ok(now), Some(before)) => now != before,
            // Made by SQLite when it is first needed.
            (Ok(now), None) => {
                self.number = Some(now);
                false
            }
            (Err(error), Some(_)) => error.kind() == io::ErrorKind::NotFound,
            (Err(_), None) => false,
        }
    }
}

#[cfg(unix)]
fn number(path: &Path) -> io::Result<Number> {
    use std::os::unix::fs::MetadataExt;

    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// There, a file that is open cannot be deleted.
#[cfg(not(unix))]
fn number(_: &Path) -> io::Result<Number> {
    Ok((0, 0))
}
