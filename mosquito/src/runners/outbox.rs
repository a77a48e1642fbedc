//! What became of runs, until it is written down.
//!
//! Executors put it here. Whoever claims from a queue takes along what is here of that queue, so that both are one call; what nobody
//! takes the settler writes down a moment later, or at once when the overseer claims nothing.
//!
//! Invariant: what was taken and not written down comes back, whatever ends the one who took it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, oneshot};
use tokio::time::Instant;

use super::tally::Ending;
use crate::backend::{BATCH_LIMIT, Settlement};
use crate::name::QueueName;

/// How much may be in here before executors wait.
const BACKLOG: usize = 2 * BATCH_LIMIT;

/// How long it may wait for a claim to take it along.
const LINGER: Duration = Duration::from_millis(2);

/// What became of one run.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) queue: QueueName,
    pub(super) settlement: Settlement,
    pub(super) ending: Ending,
    /// Dropped when it is written down, or never will be. It is not kept waiting for others.
    pub(super) waiter: Option<oneshot::Sender<()>>,
}

/// What became of runs of one queue, to be written down in one call.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) settlements: Vec<Settlement>,
    pub(super) endings: Vec<Ending>,
    /// When the first one came, or the first call was made.
    pub(super) since: Instant,
    /// Whether a call was made whose answer is not known.
    pub(super) may_be_settled: bool,
    waiters: Vec<oneshot::Sender<()>>,
}

impl Default for Batch {
    fn default() -> Self {
        let since = Instant::now();
        Self {
            settlements: Vec::new(),
            endings: Vec::new(),
            since,
            may_be_settled: false,
            waiters: Vec::new(),
        }
    }
}

impl Batch {
    fn is_due(&self, now: Instant, linger: Duration) -> bool {
        !self.waiters.is_empty() || self.settlements.len() >= BATCH_LIMIT || now >= self.since + linger
    }
}

#[derive(Debug)]
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    room: Semaphore,
    /// How many runs were ever put in that an executor had begun.
    performed: AtomicU64,
    /// Whether the overseer is about to claim, from whichever queue.
    claims: AtomicBool,
    /// Told when there is something new to write down, or a reason not to wait any longer.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queues {
    gathered: HashMap<QueueName, Batch>,
    /// Those that came back: who takes them must know what may have become of them, so they are not mixed with others.
    back: Vec<(QueueName, Batch)>,
    is_closed: bool,
    /// How many were taken, and neither came back nor are done.
    lent: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            queues: Mutex::default(),
            room: Semaphore::new(BACKLOG),
            performed: AtomicU64::new(0),
            claims: AtomicBool::new(false),
            changed: Notify::new(),
        }
    }
}

/// What there is to be done.
pub(super) struct Due<'a> {
    pub(super) batches: Vec<Taken<'a>>,
    /// When there is more, if nothing changes before.
    pub(super) next: Option<Instant>,
    /// Whether nothing is left and nothing more comes.
    pub(super) is_over: bool,
}

impl Outbox {
    /// Puts something in; waits while there is too much.
    pub(super) async fn put(&self, ended: Ended) {
        if let Ok(room) = self.room.acquire().await {
            room.forget();
        }
        let Ended { queue, settlement, ending, waiter } = ended;
        if ending != Ending::HandedBack {
            self.performed.fetch_add(1, Ordering::Relaxed);
        }
        let mut queues = self.lock();
        let waiter = waiter.filter(|_| !queues.is_closed);
        // The settler is woken once for a batch, not for each of it.
        let mut is_news = waiter.is_some();
        let batch = match queues.gathered.get_mut(&queue) {
            Some(batch) => batch,
            None => {
                is_news = true;
                queues.gathered.entry(queue).or_default()
            }
        };
        batch.settlements.push(settlement);
        batch.endings.push(ending);
        batch.waiters.extend(waiter);
        is_news |= batch.settlements.len() == BATCH_LIMIT;
        drop(queues);
        if is_news {
            self.changed.notify_one();
        }
    }

    /// How many runs were ever put in that an executor had begun.
    pub(super) fn performed(&self) -> u64 {
        self.performed.load(Ordering::Relaxed)
    }

    /// What is in here of a queue.
    pub(super) fn take(&self, queue: &QueueName) -> Taken<'_> {
        let mut queues = self.lock();
        let batch = queues.gathered.remove(queue).unwrap_or_default();
        queues.lent += 1;
        Taken { outbox: self, queue: queue.clone(), batch: Some(batch) }
    }

    /// What is not to wait any longer, of queues that are not busy.
    pub(super) fn take_due(&self, is_busy: impl Fn(&QueueName) -> bool) -> Due<'_> {
        let now = Instant::now();
        let mut queues = self.lock();
        let is_waited_for = self.claims.load(Ordering::SeqCst) && !queues.is_closed;
        let linger = if is_waited_for { LINGER } else { Duration::ZERO };
        let taken = |(queue, batch)| Taken { outbox: self, queue, batch: Some(batch) };
        let mut batches: Vec<_> =
            queues.back.extract_if(.., |(queue, _)| !is_busy(queue)).map(taken).collect();
        let is_now = |queue: &QueueName| batches.iter().any(|taken| taken.queue == *queue);
        let due = queues
            .gathered
            .extract_if(|queue, batch| batch.is_due(now, linger) && !is_busy(queue) && !is_now(queue));
        let due: Vec<_> = due.map(taken).collect();
        batches.extend(due);
        queues.lent += batches.len();
        // Those that are due and busy are looked at again when they are not busy any more.
        let waiting = queues.gathered.values().filter(|batch| !batch.is_due(now, linger));
        let next = waiting.map(|batch| batch.since + linger).min();
        let is_empty = queues.gathered.is_empty() && queues.back.is_empty() && queues.lent == 0;
        let is_over = queues.is_closed && is_empty;
        Due { batches, next, is_over }
    }

    /// Says whether what is in here may wait for a claim.
    pub(super) fn waits_for_claims(&self, waits: bool) {
        if self.claims.swap(waits, Ordering::SeqCst) && !waits {
            self.changed.notify_one();
        }
    }

    /// Nothing more comes, once what this answers is dropped.
    pub(super) fn close_in_the_end(self: &Arc<Self>) -> Closing {
        Closing(self.clone())
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Waits until there is something to look at.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // Each change of it is one insertion or removal.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the outbox when it is dropped.
#[derive(Debug)]
pub(super) struct Closing(Arc<Outbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// A batch on its way to the backend. It goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    outbox: &'a Outbox,
    pub(super) queue: QueueName,
    batch: Option<Batch>,
}

impl Taken<'_> {
    pub(super) fn batch(&self) -> &Batch {
        self.batch.as_ref().expect("it is there until this is done")
    }

    /// It may be settled from now on, whatever the answer.
    pub(super) fn sent(&mut self) {
        if let Some(batch) = &mut self.batch {
            batch.may_be_settled = true;
        }
    }

    /// It is written down, or never will be.
    pub(super) fn done(mut self) {
        if let Some(batch) = self.batch.take() {
            self.outbox.room.add_permits(batch.settlements.len());
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let back = self.batch.take().filter(|batch| !batch.settlements.is_empty());
        let mut queues = self.outbox.lock();
        queues.lent -= 1;
        let is_news = back.is_some() || queues.is_closed;
        queues.back.extend(back.map(|batch| (self.queue.clone(), batch)));
        drop(queues);
        if is_news {
            self.outbox.changed.notify_one();
        }
    }
}
