//! The thread that owns a connection, and performs all calls on it.
//!
//! Calls that wait at the same moment are performed in one transaction, each in a savepoint of its own:
//! one that fails undoes nothing but itself. They are answered after the commit, so what was answered is
//! stored. A caller that goes away does not stop its call: it is performed wholly or not at all.
//!
//! The thread ends when its last handle is dropped.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::backend::sqlite::errors;
use crate::backend::sqlite::file;
use crate::backend::sqlite::signals::{Rings, Signals};
use crate::error::Result;

/// The most calls in one transaction.
const GROUP_LIMIT: usize = 64;

/// A transaction that took so long takes no more calls: others wait for its lock.
const GROUP_TIME: Duration = Duration::from_millis(10);

/// What a call answers for. A call joins a transaction of its own kind or a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It changes nothing.
    Look,
    /// A power cut may undo it, which costs no run: it is claimed, or performed, once more.
    Move,
    /// Once answered, it survives a power cut too.
    Keep,
}

/// A handle on the thread.
pub(super) struct Thread {
    calls: mpsc::Sender<Box<dyn Call>>,
    path: Arc<Path>,
}

impl Thread {
    /// Opens the file on a new thread. Answers its `data_version`, too.
    pub(super) async fn start(path: Arc<Path>, signals: Arc<Signals>) -> Result<(Self, i64)> {
        let (calls, inbox) = mpsc::channel();
        let (opened, open) = oneshot::channel();
        let at = path.clone();
        let serve = move || {
            let connection = match file::open(&at) {
                Ok(connection) => connection,
                Err(error) => return drop(opened.send(Err(error))),
            };
            let version = connection.pragma_query_value(None, "data_version", |row| row.get(0));
            if opened.send(version.map_err(|error| errors::explain(&at, error))).is_ok() {
                let inbox = Inbox { calls: inbox, line: VecDeque::new() };
                Server { connection, inbox, path: at, signals, synchronous: None }.serve();
            }
        };
        std::thread::Builder::new()
            .name("mosquito-sqlite".into())
            .spawn(serve)
            .map_err(|error| errors::refused(&path, "no thread can be started for it".into(), error))?;
        let version = open.await.map_err(|_| errors::ended(&path))??;
        Ok((Self { calls, path }, version))
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
        let call = Box::new(Asked { kind, act, done: None, reply });
        self.calls.send(call).map_err(|_| errors::ended(&self.path))?;
        answer.await.map_err(|_| errors::ended(&self.path))?
    }
}

/// A call on its way through the thread.
trait Call: Send {
    fn kind(&self) -> Kind;

    /// Performs it, or its next step; whether that was the last one.
    fn perform(&mut self, connection: &Connection, rings: &mut Rings) -> rusqlite::Result<bool>;

    /// Answers what it did, or why that came to nothing.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Asked<T, F> {
    kind: Kind,
    act: F,
    done: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Call for Asked<T, F>
where
    T: Send,
    F: FnMut(&Connection, &mut Rings) -> rusqlite::Result<Option<T>> + Send,
{
    fn kind(&self) -> Kind {
        self.kind
    }

    fn perform(&mut self, connection: &Connection, rings: &mut Rings) -> rusqlite::Result<bool> {
        self.done = (self.act)(connection, rings)?;
        Ok(self.done.is_some())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let Self { done, reply, .. } = *self;
        let answer = outcome.map(|()| done.expect("a call is answered when it is done"));
        // Nobody may be waiting any more.
        drop(reply.send(answer));
    }
}

/// The calls that are to be performed, in the order in which they came.
struct Inbox {
    calls: mpsc::Receiver<Box<dyn Call>>,
    /// Received already. A call with steps to come goes to the end, so that it holds up nobody.
    line: VecDeque<Box<dyn Call>>,
}

impl Inbox {
    /// The call to begin a transaction with; none when there is none left and nobody to send one.
    fn first(&mut self) -> Option<Box<dyn Call>> {
        self.line.extend(self.calls.try_iter());
        self.line.pop_front().or_else(|| self.calls.recv().ok())
    }

    /// The next call, when it is there already and may join a transaction of a kind.
    fn joining(&mut self, kind: Kind) -> Option<Box<dyn Call>> {
        self.line.extend(self.calls.try_iter());
        match self.line.front() {
            Some(call) if call.kind() <= kind => self.line.pop_front(),
            _ => None,
        }
    }
}

struct Server {
    connection: Connection,
    inbox: Inbox,
    path: Arc<Path>,
    signals: Arc<Signals>,
    /// Whether commits are synced now.
    synchronous: Option<Kind>,
}

/// A call that was performed, and whether it is done.
type Performed = (Box<dyn Call>, rusqlite::Result<bool>);

impl Server {
    fn serve(mut self) {
        while let Some(first) = self.inbox.first() {
            let kind = first.kind();
            if let Err(error) = self.begin(kind) {
                first.answer(Err(errors::explain(&self.path, error)));
                continue;
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
                    call.answer(Err(errors::explain(&self.path, error)));
                }),
            }
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
            let result = self.perform_one(&mut *call, rings);
            group.push((call, result));
            let room = group.len() < GROUP_LIMIT && started.elapsed() < GROUP_TIME;
            if room && !self.connection.is_autocommit() {
                next = self.inbox.joining(kind);
            }
        }
        group
    }

    fn perform_one(&self, call: &mut dyn Call, rings: &mut Rings) -> rusqlite::Result<bool> {
        if call.kind() == Kind::Look {
            return call.perform(&self.connection, rings);
        }
        self.execute("SAVEPOINT call")?;
        let rung = rings.len();
        let result = call.perform(&self.connection, rings);
        if result.is_err() {
            rings.truncate(rung);
        }
        // After some errors, a full disk for one, SQLite has rolled back the whole transaction by itself.
        if result.is_err() && !self.connection.is_autocommit() {
            self.execute("ROLLBACK TO call")?;
        }
        if !self.connection.is_autocommit() {
            self.execute("RELEASE call")?;
        }
        result
    }

    fn commit(&self, group: &[Performed]) -> rusqlite::Result<()> {
        if self.connection.is_autocommit() {
            let undone = group.iter().rev().find_map(|(_, result)| result.as_ref().err());
            return Err(errors::again(undone.expect("only an error ends a transaction before its commit")));
        }
        self.execute("COMMIT").inspect_err(|_| {
            if !self.connection.is_autocommit() {
                // What it says is less to the point than why the commit failed.
                drop(self.execute("ROLLBACK"));
            }
        })
    }

    fn answer(&mut self, (call, result): Performed) {
        match result {
            Ok(true) => call.answer(Ok(())),
            Ok(false) => self.inbox.line.push_back(call),
            Err(error) => call.answer(Err(errors::explain(&self.path, error))),
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }
}
