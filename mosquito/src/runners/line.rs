//! What waits to be taken, and those who take it.
//!
//! To wake a task costs more than a short run does. So no more takers are awake than there are threads for them, each taking one thing
//! after another; and whoever has to wait in the middle of one wakes another in its place, or more of them the longer that goes on.
//!
//! Invariant: nothing waits beside a taker who sleeps, unless as many as there are threads are awake and have not had to wait; and then
//! somebody looks every few milliseconds, since they may hold their threads while the runtime has found others.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;

/// How long something waits beside takers who sleep until it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Line<T> {
    state: Mutex<State<T>>,
    /// Told when something waits beside takers who sleep.
    waits: Notify,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    /// Whether nothing is taken any more, and whether nothing is put in any more.
    is_held: bool,
    is_closed: bool,
    threads: usize,
    /// How many takers were woken, or took something and have not had to wait since.
    awake: usize,
    /// Those who sleep, in the order in which they fell asleep, and how many ever did.
    asleep: BTreeMap<u64, Waker>,
    naps: u64,
    /// How many are woken by one who has to wait.
    burst: usize,
    /// Whether somebody looks, and whether something was taken since.
    is_watched: bool,
    moves: bool,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        let state = State {
            items: VecDeque::new(),
            is_held: false,
            is_closed: false,
            threads: 1,
            awake: 0,
            asleep: BTreeMap::new(),
            naps: 0,
            burst: 1,
            is_watched: false,
            moves: false,
        };
        Self { state: Mutex::new(state), waits: Notify::new() }
    }

    /// Says how many threads takers have.
    pub(super) fn has_threads(&self, threads: usize) {
        self.lock().threads = threads;
    }

    /// Puts something at the end; gives it back when the line is closed.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(item);
        }
        state.items.push_back(item);
        let next = state.next();
        let is_news = next.is_none() && !state.is_watched && !state.asleep.is_empty();
        state.is_watched |= is_news;
        wake(next, state);
        if is_news {
            self.waits.notify_one();
        }
        Ok(())
    }

    /// All that waits.
    pub(super) fn take_all(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().items)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Gives nothing more to takers. It still takes in.
    pub(super) fn hold(&self) {
        self.lock().is_held = true;
    }

    /// Takes nothing more in, and ends those who find nothing to take.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        wake(state.first(usize::MAX), state);
    }

    /// Sees to it that whatever waits is taken, also when those who are awake hold their threads. Never ends.
    pub(super) async fn watch(&self) {
        loop {
            self.waits.notified().await;
            while self.is_waited_in() {
                tokio::time::sleep(LOOK_EVERY).await;
                self.look();
            }
        }
    }

    /// Whether something waits beside takers who sleep; if not, the next time is news.
    fn is_waited_in(&self) -> bool {
        let mut state = self.lock();
        state.is_watched = !state.items.is_empty() && !state.asleep.is_empty();
        state.is_watched
    }

    /// Wakes a taker for each thing that waits, if none was taken since the last look; one otherwise.
    fn look(&self) {
        let mut state = self.lock();
        let moves = std::mem::take(&mut state.moves);
        if !state.is_held {
            let waiting = state.items.len();
            wake(state.first(if moves { waiting.min(1) } else { waiting }), state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Each change of it is a few numbers, and one insertion or removal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    /// The one to be woken, if there is something for it to do.
    fn next(&mut self) -> Option<Waker> {
        if self.items.is_empty() || self.is_held || self.awake >= self.threads {
            return None;
        }
        // The memory of the last one is warm.
        let (_, waker) = self.asleep.pop_last()?;
        self.awake += 1;
        Some(waker)
    }

    /// So many of those who sleep.
    fn first(&mut self, at_most: usize) -> Vec<Waker> {
        let woken: Vec<_> = std::iter::from_fn(|| self.asleep.pop_last()).take(at_most).collect();
        self.awake += woken.len();
        woken.into_iter().map(|(_, waker)| waker).collect()
    }
}

/// Wakes takers that are counted as awake, once nobody needs to wait for the lock.
fn wake<T>(wakers: impl IntoIterator<Item = Waker>, state: MutexGuard<'_, State<T>>) {
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}

/// One who takes from a line. It may be dropped at any time.
#[derive(Debug)]
pub(super) struct Taker<'a, T> {
    line: &'a Line<T>,
    now: Now,
}

#[derive(Debug, PartialEq, Eq)]
enum Now {
    Awake,
    /// Awake, and not counted so: it had to wait.
    Aside,
    /// Asleep since its nap of this number; or woken, when that is over.
    Asleep(u64),
}

impl<'a, T> Taker<'a, T> {
    pub(super) fn new(line: &'a Line<T>) -> Self {
        Self { line, now: Now::Aside }
    }

    /// Waits for what is at the front; nothing when the line is closed, and empty or held.
    pub(super) async fn take(&mut self) -> Option<T> {
        poll_fn(|context| self.poll_take(context)).await
    }

    fn poll_take(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.line.lock();
        match self.now {
            // What it took was short.
            Now::Awake => state.burst = 1,
            Now::Aside => state.awake += 1,
            Now::Asleep(nap) => {
                if let Some(waker) = state.asleep.get_mut(&nap) {
                    waker.clone_from(context.waker());
                    return Poll::Pending;
                }
            }
        }
        self.now = Now::Awake;
        let item = if state.is_held { None } else { state.items.pop_front() };
        if item.is_some() || state.is_closed {
            state.moves = true;
            return Poll::Ready(item);
        }
        state.awake -= 1;
        state.naps += 1;
        self.now = Now::Asleep(state.naps);
        let nap = state.naps;
        state.asleep.insert(nap, context.waker().clone());
        Poll::Pending
    }

    /// Says that it has to wait in the middle of what it took: another one is to take what comes next.
    pub(super) fn step_aside(&mut self) {
        if std::mem::replace(&mut self.now, Now::Aside) == Now::Awake {
            let mut state = self.line.lock();
            state.awake -= 1;
            if state.is_held {
                return;
            }
            let woken = state.items.len().min(state.burst);
            // A wake may come late where many tasks are at work: with each a few more are on their way.
            state.burst = state.burst.saturating_mul(2);
            wake(state.first(woken), state);
        }
    }
}

impl<T> Drop for Taker<'_, T> {
    fn drop(&mut self) {
        let mut state = self.line.lock();
        let counts_as_awake = match self.now {
            Now::Awake => true,
            Now::Aside => false,
            // Whoever woke it counts on it.
            Now::Asleep(nap) => state.asleep.remove(&nap).is_none(),
        };
        if counts_as_awake {
            state.awake -= 1;
            wake(state.next(), state);
        }
    }
}
