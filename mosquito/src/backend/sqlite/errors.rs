//! Says what SQLite's errors mean for the one who must act.

use std::io;
use std::path::Path;

use rusqlite::{ErrorCode, ffi};

use crate::error::{BoxError, Error};

/// The error that a caller gets for one of SQLite's.
pub(super) fn explain(path: &Path, error: rusqlite::Error) -> Error {
    use ErrorCode as Code;

    let reason = match error.sqlite_error_code() {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            return Error::Unavailable { backend: backend(path), source: error.into() };
        }
        Some(Code::DiskFull) => {
            let reason = "the disk is full; make room on it. What was stored before is safe";
            return passing(path, reason, error);
        }
        Some(Code::SystemIoFailure) if is_of_writing(&error) => {
            let reason = "the disk did not take what was written; see whether it is full, over a quota or a limit of this \
                          process, or failing. What was stored before is safe";
            return passing(path, reason, error);
        }
        Some(Code::NotADatabase) => {
            "the file is not a SQLite database; name another path. It was left as it is".into()
        }
        Some(Code::DatabaseCorrupt) => {
            "the file is damaged; move it away and restore a backup, or save what can be read with the \
             `.recover` command of the `sqlite3` shell"
                .into()
        }
        Some(Code::CannotOpen | Code::PermissionDenied) => why_it_does_not_open(path),
        Some(Code::ReadOnly) => READ_ONLY.into(),
        Some(Code::SystemIoFailure) => {
            "the disk failed to read; look into the system's log, and see that the file is on a local \
             disk with room left"
                .into()
        }
        Some(Code::FileLockingProtocolFailed | Code::NoLargeFileSupport) => {
            "its file system lacks what SQLite needs; put the file on a local disk".into()
        }
        Some(Code::TooBig) => "a run is larger than SQLite can store; enqueue a reference to its data".into(),
        Some(Code::OutOfMemory) => "this process has no memory left".into(),
        _ => "the file holds what this release of mosquito did not write; name another path, or use the release \
              that wrote it"
            .into(),
    };
    refused(path, reason, error)
}

const READ_ONLY: &str =
    "it cannot be written; give this process the permission to write the file and its directory";

/// An error of ours about a file that SQLite itself would take.
pub(super) fn refused(path: &Path, reason: String, source: impl Into<BoxError>) -> Error {
    Error::Refused { backend: backend(path), reason, source: source.into() }
}

/// Something that passes when somebody acts, in words that say how.
fn passing(path: &Path, reason: &'static str, source: rusqlite::Error) -> Error {
    Error::Unavailable { backend: backend(path), source: Box::new(Passing { reason, source }) }
}

#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct Passing {
    reason: &'static str,
    source: rusqlite::Error,
}

/// SQLite knows one kind of full disk; a quota and a limit of the process are failures to write.
fn is_of_writing(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        code,
        Some(
            ffi::SQLITE_IOERR_WRITE
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC
                | ffi::SQLITE_IOERR_TRUNCATE
                | ffi::SQLITE_IOERR_SHMOPEN
                | ffi::SQLITE_IOERR_SHMSIZE
                | ffi::SQLITE_IOERR_SHMMAP
        )
    )
}

/// The path names another file than the one that is open, or none.
pub(super) fn lost(path: &Path) -> Error {
    let reason = "the file was deleted, moved or replaced while it was open; put it back, and start this process again";
    refused(path, reason.into(), io::Error::from(io::ErrorKind::NotFound))
}

/// The file can be read but not written.
pub(super) fn read_only(path: &Path) -> Error {
    refused(path, READ_ONLY.into(), io::Error::from(io::ErrorKind::PermissionDenied))
}

/// The thread of the database has ended, which only a panic can do while there are handles.
pub(super) fn ended(path: &Path) -> Error {
    let reason = "the thread that serves it panicked; start this process again, and report what it said";
    refused(path, reason.into(), io::Error::from(io::ErrorKind::BrokenPipe))
}

/// The same error once more, for the other calls that it undid.
pub(super) fn again(error: &rusqlite::Error) -> rusqlite::Error {
    let code = error
        .sqlite_error()
        .copied()
        .unwrap_or_else(|| rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT));
    rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
}

/// Whether it is worth trying once more.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn backend(path: &Path) -> String {
    format!("SQLite at {}", path.display())
}

/// SQLite says only that it could not; the file system knows more.
fn why_it_does_not_open(path: &Path) -> String {
    let directory = path.parent().unwrap_or(path);
    if path.is_dir() {
        return "it is a directory; name a file in it".into();
    }
    match std::fs::metadata(directory) {
        Ok(found) if !found.is_dir() => format!("`{}` is not a directory", directory.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            format!("the directory `{}` does not exist; create it", directory.display())
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            format!("a part of `{}` is not a directory", directory.display())
        }
        _ => "it cannot be opened; give this process the permission to read and write the file and its directory"
            .into(),
    }
}
