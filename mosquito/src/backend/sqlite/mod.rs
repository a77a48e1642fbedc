//! Queues in a SQLite file: for one machine, with no server. Several processes may share the file.
//!
//! Calls are performed by one thread per handle, which owns its connection (`thread.rs`); calls that come
//! at the same time share a transaction. The moves themselves are methods of one queue (`enqueue.rs`, `moves.rs`,
//! `settle.rs`, `leases.rs`, `schedules.rs`, `pauses.rs`), each in one transaction, on the tables that `schema.sql` describes.
//!
//! Priorities, limits and unique runs are rows too (`flow.sql`), and which run goes next is decided over them by the same code
//! as in memory (`lanes.rs`). A queue in which every run was plain does without: that is one look in each call.
//!
//! # What is safe from what
//!
//! - **Once a call has answered, what it did survives the death of every process**, `kill -9` included. A
//!   call that was not answered was performed wholly or not at all.
//! - **An enqueue that has answered survives a power cut** and a crash of the operating system, as far as
//!   the disk keeps what it says it has: its transaction is synced before it answers (`synchronous = FULL`).
//!   So does a tick of a periodic job, a pause, a resume, a note, a delete and a flush.
//! - **A power cut may undo the claims, settlements, promotions and beats of the last moments**, which are
//!   synced a little later (`synchronous = NORMAL`), together and in their order. No run is lost by that:
//!   one that was performed in those moments is performed once more. That is what at least once means.
//!
//! The file uses SQLite's write-ahead log, in the files `-wal` and `-shm` beside it, which belong to it:
//! they are to be moved and kept together. It must be on a local disk: network file systems lack the
//! locks and the shared memory that SQLite needs.
//!
//! # What goes wrong with files
//!
//! - **A disk that is full**, over a quota or failing: what needs to be written answers [`Unavailable`](crate::Error::Unavailable),
//!   wholly undone. Runners try again, and go on when there is room.
//! - **A file that is deleted, moved or replaced** while it is open: each call from then on answers
//!   [`Refused`](crate::Error::Refused), rather than to store into a file that nobody will find.
//!   A runner ends with that. What the file held is where the file is.
//! - **A file that an earlier release made** is brought to this one's layout when it is opened, in one transaction, with all
//!   that is in it; for a million runs that takes seconds, in which others wait. Earlier releases refuse it from then on. A process of theirs that has it
//!   open goes on with plain runs, keeps to no limit, and is refused when it would claim a run that has a priority or limit: so such
//!   processes are to be stopped before these are used.
//!
//! # The clock
//!
//! All times are the machine's, which the processes that share a file share, too. When it is set forward, what is scheduled comes
//! early, and leases run out: runs that are being performed may be taken for those of dead overseers and be performed once more,
//! and what their first performers settle is refused. When it is set back by an hour, what was scheduled comes an hour late, what a rate
//! limit held up at that moment waits an hour more, periodic jobs wait until it is again as late as at their last tick, and the runs of an overseer that dies
//! then come back an hour later. No run is lost by either, and no tick is repeated. Slewing, as time servers do it, changes nothing.
//!
//! # Several processes
//!
//! A call that finds another process writing waits for it, up to ten seconds, before it answers
//! [`Unavailable`](crate::Error::Unavailable), and so do those that came meanwhile. Within a process, and between handles made by
//! [`Backend::separate`](crate::backend::Backend::separate), a waiter is woken at once. What another process did is noticed within 25 ms, by
//! looks at a counter in shared memory for as long as somebody waits (`abroad.rs`).

mod abroad;
mod backend;
mod call;
mod cancelling;
mod checkup;
mod enqueue;
mod errors;
mod file;
mod flush;
mod identity;
mod lanes;
mod leases;
mod moves;
mod notes;
mod pauses;
mod queue;
mod rules;
mod schedules;
mod seen;
mod settle;
mod signals;
#[cfg(test)]
mod tests;
mod thread;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::error::Result;
use crate::name::QueueName;
use abroad::Waits;
use call::Kind;
use queue::Queue;
use signals::{Signals, noting};
use thread::Thread;

/// Queues in a SQLite file.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use std::sync::Arc;
/// use mosquito::{Mosquito, backend::sqlite::Sqlite};
///
/// let mosquito = Mosquito::new(Arc::new(Sqlite::open("jobs.db").await?));
/// # Ok(()) }
/// ```
pub struct Sqlite {
    thread: Thread,
    path: Arc<Path>,
    clock: Clock,
    signals: Arc<Signals>,
    waits: Waits,
}

impl Sqlite {
    /// Opens a store, and makes the file when there is none. The times are the machine's.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::Error::Refused) when the file cannot be read and written, or is not mosquito's: nothing is
    /// overwritten. [`Error::Unavailable`](crate::Error::Unavailable) when another process did not let go of it for ten seconds.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_clock(path, Clock::system()).await
    }

    /// Opens a store on a clock of one's own, which all that share the file must share.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with_clock(path: impl AsRef<Path>, clock: Clock) -> Result<Self> {
        let path = absolute(path.as_ref())?;
        Self::connect(path.into(), clock, Arc::default()).await
    }

    async fn connect(path: Arc<Path>, clock: Clock, signals: Arc<Signals>) -> Result<Self> {
        let waits = Waits::default();
        let thread = Thread::start(path.clone(), clock.clone(), signals.clone(), waits.clone()).await?;
        Ok(Self { thread, path, clock, signals, waits })
    }

    /// One move on one queue, and the rings that it gives reason for.
    async fn on<T: Send + 'static>(
        &self,
        kind: Kind,
        name: &QueueName,
        act: impl FnOnce(&Queue<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (name, clock) = (name.clone(), self.clock.clone());
        self.thread
            .call(kind, move |connection, rings| {
                let queue = Queue::within(connection, &name, clock.now());
                noting(&queue, rings, act)
            })
            .await
    }

    /// A look at one queue, which need not exist.
    async fn look<T: Send + 'static>(
        &self,
        name: &QueueName,
        look: impl FnOnce(&Queue<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (name, clock) = (name.clone(), self.clock.clone());
        self.thread
            .call(Kind::Look, move |connection, _| look(&Queue::within(connection, &name, clock.now())))
            .await
    }

    /// Looks, at once and from now on, because there is somebody who waits; answers what keeps it from that.
    async fn watched(&self) -> crate::Error {
        match self.thread.call(Kind::Look, |_, _| Ok(())).await {
            Ok(()) => std::future::pending().await,
            Err(error) => error,
        }
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// The path, whatever becomes of the working directory.
fn absolute(path: &Path) -> Result<PathBuf> {
    let refuse = |reason: &str| {
        Err(errors::refused(path, reason.into(), io::Error::from(io::ErrorKind::InvalidInput)))
    };
    match path.to_str() {
        Some("") => refuse("a path is needed, as in `jobs.db`"),
        // SQLite's name for a database that each connection would have for itself.
        Some(":memory:") => refuse("it names no file; use the memory backend, `memory://`"),
        _ => std::path::absolute(path).map_err(|error| {
            errors::refused(path, "the working directory is gone; name a full path".into(), error)
        }),
    }
}
