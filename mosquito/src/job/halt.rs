//! Tells an attempt to come to an end, and says why.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Timestamp;
use crate::name::{JobName, QueueName, RunId};

/// Why the [token](crate::Context::token) of a run has fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyCancelled {
    /// Its runner stops, and the grace is almost over: the run is handed back.
    Shutdown,
    /// Its timeout or its deadline is over: the attempt has failed.
    TimeUp,
    /// Its process was taken for dead: somebody else performs the run, and what becomes of it here counts for nothing.
    LeaseLost,
    /// Somebody [cancelled](crate::Queue::cancel) the run: unless the job answers `Ok`, it is gone, and counted as cancelled.
    Requested,
    /// Middleware fired it, or went on without the job.
    CutOff,
}

impl std::fmt::Display for WhyCancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Shutdown => "its runner stops",
            Self::TimeUp => "its time is up",
            Self::LeaseLost => "its lease was lost",
            Self::Requested => "somebody cancelled it",
            Self::CutOff => "middleware cut it off",
        })
    }
}

/// The token of one claimed run, with the reason for which it fired.
#[derive(Clone, Debug)]
pub(crate) struct Halt(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: QueueName,
    id: RunId,
    /// Made for whoever asks for it first: most jobs never do.
    token: OnceLock<CancellationToken>,
    /// The first reason, and since when.
    fired: OnceLock<(WhyCancelled, Instant)>,
    requested: AtomicBool,
    /// Set when an attempt begins.
    attempt: OnceLock<Attempt>,
    ended: AtomicBool,
    all: Arc<Fired>,
}

impl Halt {
    pub(crate) fn new(queue: &QueueName, id: &RunId, all: &Arc<Fired>) -> Self {
        Self(Arc::new(Inner {
            queue: queue.clone(),
            id: id.clone(),
            token: OnceLock::new(),
            fired: OnceLock::new(),
            requested: AtomicBool::new(false),
            attempt: OnceLock::new(),
            ended: AtomicBool::new(false),
            all: all.clone(),
        }))
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        let token = self.0.token.get_or_init(CancellationToken::new);
        // Against the one in `fire`: of two who come at the same time one sees what the other did.
        fence(Ordering::SeqCst);
        if self.0.fired.get().is_some() {
            token.cancel();
        }
        token
    }

    /// Fires the token; the first reason stays.
    pub(crate) fn fire(&self, why: WhyCancelled) {
        // Before the token: whoever sees that it fired sees why.
        if self.0.fired.set((why, Instant::now())).is_ok() {
            self.0.all.add(self.clone());
        }
        fence(Ordering::SeqCst);
        if let Some(token) = self.0.token.get() {
            token.cancel();
        }
    }

    /// Fires the token because somebody cancelled the run; whether that is news.
    pub(crate) fn request(&self) -> bool {
        let is_news = !self.0.requested.swap(true, Ordering::SeqCst);
        self.fire(WhyCancelled::Requested);
        is_news
    }

    /// Whether somebody cancelled the run, whatever else its token had fired for before.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    pub(crate) fn why(&self) -> Option<WhyCancelled> {
        let is_cut_off = || self.0.token.get().is_some_and(CancellationToken::is_cancelled);
        let cut_off = || is_cut_off().then_some(WhyCancelled::CutOff);
        self.0.fired.get().map(|(why, _)| *why).or_else(cut_off)
    }

    /// Since when it has fired, and why.
    pub(crate) fn fired(&self) -> Option<(WhyCancelled, Instant)> {
        self.0.fired.get().copied()
    }

    /// An attempt at the run begins, and lasts until what this answers is dropped.
    pub(crate) fn begin(&self, attempt: Attempt) -> Lasting<'_> {
        // A claim is performed once.
        let _ = self.0.attempt.set(attempt);
        Lasting(self)
    }

    /// The attempt that is being made.
    pub(crate) fn performing(&self) -> Option<&Attempt> {
        self.0.attempt.get().filter(|_| !self.0.ended.load(Ordering::SeqCst))
    }

    /// Whether it will not be performed any more: its attempt has ended, or nobody else has it.
    pub(crate) fn is_over(&self) -> bool {
        self.0.ended.load(Ordering::SeqCst) || Arc::strong_count(&self.0) == 1
    }

    pub(crate) fn queue(&self) -> &QueueName {
        &self.0.queue
    }

    pub(crate) fn id(&self) -> &RunId {
        &self.0.id
    }
}

/// One attempt at a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    pub(crate) job: JobName,
    /// The first is 1.
    pub(crate) number: u32,
    /// When it was claimed, by the store's clock.
    pub(crate) since: Timestamp,
}

/// An attempt that is being made, until this is dropped.
pub(crate) struct Lasting<'a>(&'a Halt);

impl Drop for Lasting<'_> {
    fn drop(&mut self) {
        self.0.0.ended.store(true, Ordering::SeqCst);
    }
}

/// At every so many tokens, those that matter no more are forgotten.
const FORGOTTEN_AT: usize = 256;

/// The tokens of one runner that have fired, until somebody took them out.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    halts: Mutex<Vec<Halt>>,
    added: Notify,
}

impl Fired {
    fn add(&self, halt: Halt) {
        let mut halts = self.lock();
        if halts.len() % FORGOTTEN_AT == FORGOTTEN_AT - 1 {
            // Where nobody takes them out.
            halts.retain(|halt| !halt.is_over());
        }
        halts.push(halt);
        drop(halts);
        self.added.notify_one();
    }

    /// Waits until one fires that nobody has waited for.
    pub(crate) async fn next(&self) {
        self.added.notified().await;
    }

    /// Looks at all of them, and keeps those for which it is told to.
    pub(crate) fn retain(&self, keep: impl FnMut(&mut Halt) -> bool) {
        self.lock().retain_mut(keep);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Halt>> {
        // A list cannot be left half changed.
        self.halts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Attempt, Fired, Halt, WhyCancelled};
    use crate::clock::Timestamp;
    use crate::name::{JobName, QueueName, RunId};

    fn halt() -> Halt {
        Halt::new(&QueueName::new("mail").unwrap(), &RunId::random(), &Arc::new(Fired::default()))
    }

    #[test]
    fn the_first_reason_stays_and_a_request_is_remembered_beside_it() {
        let halt = halt();
        assert_eq!((halt.why(), halt.token().is_cancelled()), (None, false));

        halt.fire(WhyCancelled::TimeUp);
        let first = halt.request();
        let second = halt.request();

        assert_eq!(halt.why(), Some(WhyCancelled::TimeUp));
        assert!(halt.token().is_cancelled() && halt.is_requested());
        assert_eq!((first, second), (true, false), "it is news once");
    }

    #[test]
    fn a_token_that_is_asked_for_while_it_fires_has_fired() {
        for _ in 0..5_000 {
            let halt = halt();
            let start = Arc::new(std::sync::Barrier::new(2));
            let fires = {
                let (halt, start) = (halt.clone(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    halt.fire(WhyCancelled::Requested);
                })
            };
            start.wait();
            let token = halt.token().clone();
            fires.join().unwrap();

            assert!(token.is_cancelled());
        }
    }

    #[test]
    fn a_token_that_somebody_else_fired_was_cut_off() {
        let halt = halt();

        halt.token().cancel();

        assert_eq!(halt.why(), Some(WhyCancelled::CutOff));
    }

    #[test]
    fn a_run_is_performed_from_the_begin_of_its_attempt_to_its_end() {
        let halt = halt();
        let send = Attempt { job: JobName::new("send").unwrap(), number: 2, since: Timestamp::UNIX_EPOCH };
        let _held = halt.clone();
        assert_eq!((halt.performing(), halt.is_over()), (None, false), "not yet");

        let attempt = halt.begin(send.clone());
        assert_eq!(halt.performing(), Some(&send));
        drop(attempt);

        assert_eq!((halt.performing(), halt.is_over()), (None, true));
    }
}
