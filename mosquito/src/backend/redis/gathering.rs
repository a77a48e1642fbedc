//! Gathers what many callers enqueue at once into few calls.
//!
//! ```text
//! runs ──a turn is free──> a call of their own ──────────────────────────> answers
//!    └──else──> gathered with others ──the next turn──> one call for all ──> to each its own answers
//! ```
//!
//! Nobody waits for company: who finds a turn free goes at once, and what gathered while all were taken goes as one call when one is
//! free again. A turn ends with the answer, or after [`TURN`]: so a slow server, or one far away, is not waited for by those who gather.
//!
//! Invariants:
//!
//! - What was gathered belongs to no task: whoever still waits for it carries it on. So one that is dropped, or held without being
//!   polled, holds up nobody for longer than a turn. Whether its own runs are enqueued then is left open.
//! - One call is one script, which fails for what is wrong with its queue or its server: each whose runs were in it is told so. What is
//!   wrong with one run, a duplicate of any kind, is an answer, and changes nothing for others.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, RedisError, Script, Value};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::call::ask;
use super::connection::Commands;
use super::flow;
use crate::backend::BATCH_LIMIT;
use crate::job_run::NewRun;

/// How many calls of a line are on their way at once, before others gather.
const TURNS: usize = 4;

/// How long a call counts as on its way, if its answer does not come before. Its caller may hold it, and not ask for the answer.
const TURN: Duration = Duration::from_millis(5);

/// The most runs with a flow in one call: a script keeps all others from the server, and these take it ten times as long as plain ones.
const FLOWING_LIMIT: usize = 250;

/// The most bytes of bodies that are gathered for one call.
const BYTES: usize = 1 << 20;

/// The two lines of a queue. They do not mix, since what knows flows costs more.
pub(super) struct Lines {
    pub(super) plain: Line,
    pub(super) flowing: Line,
}

impl Lines {
    pub(super) fn of(&self, runs: &[NewRun]) -> &Line {
        if runs.iter().any(|run| run.flow.is_some()) { &self.flowing } else { &self.plain }
    }
}

/// Where runs for one script of one queue wait for their turn.
pub(super) struct Line {
    pub(super) script: Script,
    /// The words of a call that are the same for all runs.
    head: Vec<String>,
    head_bytes: usize,
    with_flows: bool,
    end: Arc<Mutex<End>>,
}

/// The end of a line, where one joins it.
struct End {
    turns: Arc<Semaphore>,
    /// What was begun last, unless nobody waits for it any more.
    sending: Option<WeakShared<Sending>>,
    /// What that is to send, until its turn comes.
    gathered: Arc<Mutex<Option<Gathered>>>,
}

type Sending = BoxFuture<'static, Result<Arc<[Value]>, RedisError>>;

struct Gathered {
    call: Cmd,
    runs: usize,
    bytes: usize,
}

/// What became of runs that lined up.
pub(super) enum Place {
    /// They go alone, at once; it is their turn until this is dropped.
    Turn(OwnedSemaphorePermit),
    /// They go with others, and these of the answers are theirs.
    Gathered(Shared<Sending>, Range<usize>),
}

impl Line {
    pub(super) fn new(script: &Script, keys: Vec<String>, with_flows: bool) -> Self {
        let words = ["EVALSHA".to_owned(), script.get_hash().to_owned(), keys.len().to_string()];
        let head: Vec<_> = words.into_iter().chain(keys).collect();
        let head_bytes = head.iter().map(String::len).sum();
        let end = End { turns: all_turns(), sending: None, gathered: Arc::default() };
        Self { script: script.clone(), head, head_bytes, with_flows, end: Arc::new(Mutex::new(end)) }
    }

    /// The most runs in one call.
    pub(super) fn at_most(&self) -> usize {
        if self.with_flows { FLOWING_LIMIT } else { BATCH_LIMIT }
    }

    /// A call with these runs only.
    pub(super) fn call(&self, runs: &[NewRun]) -> Cmd {
        let (words, bytes) = if self.with_flows { (6, 320) } else { (3, 40) };
        let bytes: usize = runs.iter().map(|run| run.body().len() + bytes).sum();
        // Room for all that is usual, so that it is written without being moved.
        let mut call = Cmd::with_capacity(self.head.len() + words * runs.len(), self.head_bytes + bytes);
        call.arg(&self.head);
        self.tell(&mut call, runs);
        call
    }

    /// Lines up. Runs that are gathered are in what is sent from now on.
    pub(super) fn join(&self, runs: &[NewRun], commands: impl FnOnce() -> Commands) -> Place {
        let mut end = locked(&self.end);
        let sending = end.sending.as_ref().and_then(WeakShared::upgrade);
        let bytes: usize = runs.iter().map(|run| run.body().len()).sum();
        if let Some(sending) = &sending
            && let Some(gathered) = &mut *locked(&end.gathered)
            && gathered.runs + runs.len() <= self.at_most()
            && gathered.bytes + bytes <= BYTES
        {
            self.tell(&mut gathered.call, runs);
            let own = gathered.runs..gathered.runs + runs.len();
            (gathered.runs, gathered.bytes) = (own.end, gathered.bytes + bytes);
            return Place::Gathered(sending.clone(), own);
        }
        // A turn that comes free while others wait is theirs, and not to be had here.
        if let Ok(turn) = end.turns.clone().try_acquire_owned() {
            return Place::Turn(turn);
        }
        let gathered = Gathered { call: self.call(runs), runs: runs.len(), bytes };
        end.gathered = Arc::new(Mutex::new(Some(gathered)));
        let sending = self.send(&end, commands()).boxed().shared();
        end.sending = sending.downgrade();
        Place::Gathered(sending, 0..runs.len())
    }

    /// Sends, when it is its turn, what was gathered by then.
    fn send(
        &self,
        end: &End,
        mut commands: Commands,
    ) -> impl Future<Output = Result<Arc<[Value]>, RedisError>> + Send + 'static {
        let (gathered, turns) = (end.gathered.clone(), end.turns.clone());
        let (end, script) = (self.end.clone(), self.script.clone());
        async move {
            let _turn = match timeout(TURN, turns.clone().acquire_owned()).await {
                Ok(turn) => turn.ok(),
                Err(_) => locked(&end).take_over(&turns),
            };
            let Gathered { call, .. } = locked(&gathered).take().expect("it is sent once");
            ask::<Vec<Value>>(&mut commands, &script, &call).await.map(Arc::from)
        }
    }

    fn tell(&self, call: &mut Cmd, runs: &[NewRun]) {
        for run in runs {
            flow::tell(call, run, self.with_flows);
        }
    }
}

impl End {
    /// Ends the turns that are taken, unless somebody did, and takes one of the new ones.
    fn take_over(&mut self, taken: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        if Arc::ptr_eq(&self.turns, taken) {
            self.turns = all_turns();
        }
        self.turns.clone().try_acquire_owned().ok()
    }
}

fn all_turns() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(TURNS))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under it panics.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
