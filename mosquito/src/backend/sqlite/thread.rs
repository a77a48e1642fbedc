//! The thread that owns a connection, and performs all calls on it.
//!
//! Calls that wait at the same moment are performed in one transaction, each but the first in a savepoint of its own:
//! one that fails undoes nothing but itself. They are answered after the commit, so what was answered is
//! stored. A caller that goes away does not stop its call: it is performed wholly or not at all.
//!
//! The thread ends when its last handle is dropped.

use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::backend::sqlite::abroad::{Abroad, LOOK_EVERY, Waits};
use crate::backend::sqlite::call::{Asked, Call, Inbox, Kind, Next};
use crate::backend::sqlite::errors;
use crate::backend::sqlite::file;
use crate::backend::sqlite::identity::Identity;
use crate::backend::sqlite::signals::{Rings, Signals};
use crate::clock::Clock;
use crate::error::{Error, Result};

/// The most calls in one transaction.
const GROUP_LIMIT: usize = 64;

/// A transaction that took so long takes no more calls: others wait for its lock.
const GROUP_TIME: Duration = Duration::from_millis(10);

/// A handle on the thread.
pub(super) struct Thread {
    calls: mpsc::Sender<Box<dyn Call>>,
    path: Arc<Path>,
}

impl Thread {
    /// Opens the file on a new thread.
    pub(super) async fn start(
        path: Arc<Path>,
        clock: Clock,
        signals: Arc<Signals>,
        waits: Waits,
    ) -> Result<Self> {
        let (calls, inbox) = mpsc::channel();
        let (opened, open) = oneshot::channel();
        let at = path.clone();
        let open_and_serve = move || {
            let server = file::open(&at).and_then(|connection| {
                let abroad = Abroad::of(&connection).map_err(|error| errors::explain(&at, error))?;
                let inbox = Inbox::new(inbox);
                let identity = Identity::of(&at);
                let looked = Instant::now();
                Ok(Server {
                    connection,
                    path: at,
                    identity,
                    clock,
                    inbox,
                    signals,
                    waits,
                    abroad,
                    looked,
                    synchronous: None,
                })
            });
            match server {
                Ok(server) => {
                    // Nobody may be waiting any more: then there is no handle either, and it ends.
                    drop(opened.send(Ok(())));
                    server.serve();
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        std::thread::Builder::new()
            .name("mosquito-sqlite".into())
            .spawn(open_and_serve)
            .map_err(|error| errors::refused(&path, "no thread can be started for it".into(), error))?;
        open.await.map_err(|_| errors::ended(&path))??;
        Ok(Self { calls, path })
    }

    /// Has a call performed, and waits for its answer.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        kind: Kind,
        act: impl FnOnce(&Connection, &mut Rings) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut act = Some(act);
        self.call_in_steps(kind, move |connection, rings| {
            let act = act.take().expect("a call that answered is not performed again");
            act(connection, rings).map(Some)
        })
        .await
    }

    /// Has a call performed in as many transactions as it takes until it answers something, so that a long
    /// one does not keep others waiting.
    pub(super) async fn call_in_steps<T: Send + 'static>(
        &self,
        kind: Kind,
        act: impl FnMut(&Connection, &mut Rings) -> rusqlite::Result<Option<T>> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let call = Box::new(Asked::new(kind, act, reply));
        self.calls.send(call).map_err(|_| errors::ended(&self.path))?;
        answer.await.map_err(|_| errors::ended(&self.path))?
    }
}

struct Server {
    connection: Connection,
    path: Arc<Path>,
    identity: Identity,
    clock: Clock,
    inbox: Inbox,
    signals: Arc<Signals>,
    waits: Waits,
    abroad: Abroad,
    /// When it was last looked what other processes do.
    looked: Instant,
    /// Whether commits are synced now.
    synchronous: Option<Kind>,
}

/// A call that was performed, and whether it is done.
type Performed = (Box<dyn Call>, rusqlite::Result<bool>);

impl Server {
    fn serve(mut self) {
        loop {
            let somebody_waits = self.waits.any();
            if somebody_waits && self.looked.elapsed() >= LOOK_EVERY {
                self.look_abroad();
            }
            match self.inbox.first(somebody_waits.then_some(LOOK_EVERY)) {
                Next::Call(call) => self.transact(call),
                Next::Nothing => (),
                Next::End => return,
            }
        }
    }

    fn look_abroad(&mut self) {
        self.looked = Instant::now();
        // What keeps the file from being read is told to the next call; there is none to answer here.
        drop(self.abroad.look(&self.connection, &self.waits, &self.signals, self.clock.now()));
    }

    /// Performs a call in a transaction, and others that come meanwhile.
    fn transact(&mut self, first: Box<dyn Call>) {
        if self.identity.is_lost() {
            return first.answer(Err(errors::lost(&self.path)));
        }
        let kind = first.kind();
        if let Err(error) = self.begin(kind) {
            return self.refuse(first, error);
        }
        let mut rings = Rings::new();
        let group = self.perform(first, kind, &mut rings);
        match self.commit(&group) {
            Ok(()) => {
                self.signals.ring(rings);
                group.into_iter().for_each(|performed| self.answer(performed));
            }
            Err(error) => group.into_iter().for_each(|(call, result)| {
                let error = result.err().unwrap_or_else(|| errors::again(&error));
                call.answer(Err(self.explain(error)));
            }),
        }
    }

    /// A call that could not begin. Those that waited behind it for the same lock need not wait as long once more.
    fn refuse(&mut self, first: Box<dyn Call>, error: rusqlite::Error) {
        if errors::is_busy(&error) {
            for call in self.inbox.all() {
                call.answer(Err(self.explain(errors::again(&error))));
            }
        }
        first.answer(Err(self.explain(error)));
    }

    /// What an error means. A file that was deleted in the middle of a call may show as any.
    fn explain(&mut self, error: rusqlite::Error) -> Error {
        match self.identity.is_lost() {
            true => errors::lost(&self.path),
            false => errors::explain(&self.path, error),
        }
    }

    fn begin(&mut self, kind: Kind) -> rusqlite::Result<()> {
        if kind != Kind::Look && self.synchronous != Some(kind) {
            let level = if kind == Kind::Keep { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synchronous = Some(kind);
        }
        // The lock is taken at the start: a transaction that finds out later that it needs it can only fail.
        self.execute(if kind == Kind::Look { "BEGIN" } else { "BEGIN IMMEDIATE" })
    }

    fn perform(&mut self, first: Box<dyn Call>, kind: Kind, rings: &mut Rings) -> Vec<Performed> {
        let started = Instant::now();
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(mut call) = next.take() {
            let result = match group.is_empty() {
                true => self.perform_first(&mut *call, rings),
                false => self.perform_beside(&mut *call, rings),
            };
            group.push((call, result));
            let room = group.len() < GROUP_LIMIT && started.elapsed() < GROUP_TIME;
            if room && !self.connection.is_autocommit() {
                next = self.inbox.joining(kind);
            }
        }
        group
    }

    /// The first call of a transaction, which alone is undone with it. It costs SQLite a copy of each page that
    /// is changed to be able to go back to the middle of one.
    fn perform_first(&self, call: &mut dyn Call, rings: &mut Rings) -> rusqlite::Result<bool> {
        let result = call.perform(&self.connection, rings);
        if result.is_err() && call.kind() != Kind::Look {
            rings.clear();
            self.undo();
        }
        result
    }

    /// A call in a savepoint of its own, beside those that were performed already.
    fn perform_beside(&self, call: &mut dyn Call, rings: &mut Rings) -> rusqlite::Result<bool> {
        if call.kind() == Kind::Look {
            return call.perform(&self.connection, rings);
        }
        self.execute("SAVEPOINT call")?;
        let rung = rings.len();
        let result = call.perform(&self.connection, rings);
        if result.is_err() {
            rings.truncate(rung);
            self.undo_one();
        }
        // After some errors, a full disk for one, SQLite has rolled back the whole transaction by itself.
        if !self.connection.is_autocommit() {
            self.execute("RELEASE call")?;
        }
        result
    }

    /// Undoes the call that failed; or the whole transaction, rather than to commit half a call.
    fn undo_one(&self) {
        if !self.connection.is_autocommit() && self.execute("ROLLBACK TO call").is_err() {
            self.undo();
        }
    }

    fn undo(&self) {
        if !self.connection.is_autocommit() {
            // What this says is less to the point than the error before it.
            drop(self.execute("ROLLBACK"));
        }
    }

    fn commit(&self, group: &[Performed]) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            let undone = group.iter().rev().find_map(|(_, result)| result.as_ref().err());
            return Err(errors::again(undone.expect("only an error ends a transaction before its commit")));
        }
        self.execute("COMMIT").inspect_err(|_| self.undo())
    }

    fn answer(&mut self, (call, result): Performed) {
        match result {
            Ok(true) => call.answer(Ok(())),
            Ok(false) => self.inbox.put_back(call),
            Err(error) => call.answer(Err(self.explain(error))),
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}
