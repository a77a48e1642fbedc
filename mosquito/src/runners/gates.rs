//! Asks the gates, and remembers what they said.
//!
//! Invariant: whoever looks for work only looks at what is remembered. A gate that panics or hangs is a closed one, and keeps nobody
//! waiting but its queues.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;

use super::desk::Desk;
use crate::dequeue::Gate;
use crate::events::Event;
use crate::job::panic_message;
use crate::name::QueueName;

/// How often each gate is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// How long a gate may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The gates of a runner.
#[derive(Debug, Default)]
pub(crate) struct Gates(Vec<Kept>);

/// A gate, the queues that it holds back, and whether it does.
struct Kept {
    gate: Box<dyn Gate>,
    queues: BTreeSet<QueueName>,
    open: AtomicBool,
}

#[derive(PartialEq)]
enum Answer {
    Open,
    Closed,
    Panicked(String),
    None,
}

impl Gates {
    pub(crate) fn add(&mut self, queues: BTreeSet<QueueName>, gate: Box<dyn Gate>) {
        self.0.push(Kept { gate, queues, open: AtomicBool::new(false) });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no gate holds the queue back.
    pub(super) fn let_through(&self, queue: &QueueName) -> bool {
        self.0.iter().all(|kept| kept.open.load(Ordering::SeqCst) || !kept.holds(queue))
    }

    /// Asks one of the gates until the overseer stops; `changed` is told whenever its answer is another one.
    pub(super) async fn keep(&self, place: usize, desk: &Desk, changed: &Notify) {
        let kept = &self.0[place];
        let mut last = None;
        while !desk.stop.is_cancelled() {
            let Some(answer) = desk.stop.run_until_cancelled(kept.ask()).await else { return };
            kept.open.store(answer == Answer::Open, Ordering::SeqCst);
            if last.as_ref().map(std::mem::discriminant) != Some(std::mem::discriminant(&answer)) {
                changed.notify_one();
                kept.tell(&answer, last.is_none(), desk);
            }
            last = Some(answer);
            desk.rest(ASK_EVERY).await;
        }
    }
}

impl Kept {
    /// Whether a queue is behind it, by itself or with the whole that it is a partition of.
    fn holds(&self, queue: &QueueName) -> bool {
        self.queues.contains(queue) || self.queues.contains(queue.whole_str())
    }

    async fn ask(&self) -> Answer {
        let asked = AssertUnwindSafe(async { self.gate.is_open().await }).catch_unwind();
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(true)) => Answer::Open,
            Ok(Ok(false)) => Answer::Closed,
            Ok(Err(panic)) => Answer::Panicked(panic_message(panic)),
            Err(_) => Answer::None,
        }
    }

    /// Tells what became of it; that it is open from the first is nothing to tell.
    fn tell(&self, answer: &Answer, first: bool, desk: &Desk) {
        let about = || (self.gate.name().to_owned(), self.queues.iter().cloned().collect());
        let closed = |reason: String| {
            desk.events.emit(|| {
                let (gate, queues) = about();
                Event::GateClosed { gate, queues, reason }
            });
        };
        match answer {
            Answer::Open if first => (),
            Answer::Open => desk.events.emit(|| {
                let (gate, queues) = about();
                Event::GateOpened { gate, queues }
            }),
            Answer::Closed => closed("it says so".into()),
            Answer::Panicked(words) => closed(format!("it panicked: {words}")),
            Answer::None => closed(format!("it gave no answer within {PATIENCE:?}")),
        }
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("queues", &self.queues).field("open", &self.open).finish_non_exhaustive()
    }
}
