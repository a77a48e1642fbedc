//! Calls on their way to the thread that performs them.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::backend::sqlite::signals::Rings;
use crate::error::Result;

/// What a call answers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It changes nothing, and needs no lock.
    Look,
    /// A power cut may undo it, which costs no run: it is claimed, or performed, once more.
    Move,
    /// Once answered, it survives a power cut too.
    Keep,
}

impl Kind {
    fn may_join(self, transaction: Self) -> bool {
        match self {
            // A long one must not hold the lock.
            Self::Look => transaction == Self::Look,
            Self::Move => transaction != Self::Look,
            Self::Keep => transaction == Self::Keep,
        }
    }
}

/// A call on its way through the thread.
pub(super) trait Call: Send {
    fn kind(&self) -> Kind;

    /// Performs it, or its next step; whether that was the last one.
    fn perform(&mut self, connection: &Connection, rings: &mut Rings) -> rusqlite::Result<bool>;

    /// Answers what it did, or why that came to nothing.
    fn answer(self: Box<Self>, outcome: Result<()>);
}

/// A call that somebody waits for.
pub(super) struct Asked<T, F> {
    kind: Kind,
    act: F,
    done: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Asked<T, F> {
    /// A call that acts, step by step until it answers something, and where its answer goes.
    pub(super) fn new(kind: Kind, act: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { kind, act, done: None, reply }
    }
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
pub(super) struct Inbox {
    calls: mpsc::Receiver<Box<dyn Call>>,
    /// Received already.
    line: VecDeque<Box<dyn Call>>,
}

impl Inbox {
    pub(super) fn new(calls: mpsc::Receiver<Box<dyn Call>>) -> Self {
        Self { calls, line: VecDeque::new() }
    }

    /// The call to begin a transaction with, if it comes in time.
    pub(super) fn first(&mut self, patience: Option<Duration>) -> Next {
        self.line.extend(self.calls.try_iter());
        if let Some(call) = self.line.pop_front() {
            return Next::Call(call);
        }
        let received = match patience {
            Some(patience) => self.calls.recv_timeout(patience),
            None => self.calls.recv().map_err(mpsc::RecvTimeoutError::from),
        };
        match received {
            Ok(call) => Next::Call(call),
            Err(mpsc::RecvTimeoutError::Timeout) => Next::Nothing,
            Err(mpsc::RecvTimeoutError::Disconnected) => Next::End,
        }
    }

    /// The next call that is there already and may join a transaction of a kind, past those that may not.
    pub(super) fn joining(&mut self, kind: Kind) -> Option<Box<dyn Call>> {
        self.line.extend(self.calls.try_iter());
        let place = self.line.iter().position(|call| call.kind().may_join(kind))?;
        self.line.remove(place)
    }

    /// Everything that is there already.
    pub(super) fn all(&mut self) -> Vec<Box<dyn Call>> {
        self.line.extend(self.calls.try_iter());
        self.line.drain(..).collect()
    }

    /// Puts a call with steps to come behind all others.
    pub(super) fn put_back(&mut self, call: Box<dyn Call>) {
        self.line.push_back(call);
    }
}

/// What came.
pub(super) enum Next {
    Call(Box<dyn Call>),
    /// None came in time.
    Nothing,
    /// None is left, and there is nobody to send one.
    End,
}
