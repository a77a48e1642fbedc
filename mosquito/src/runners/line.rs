//! What waits to be taken, and those who wait to take it.
//!
//! Whoever takes something while there is more wakes one other, and there is one at most on its way to being woken. So where each
//! piece is done in no time a few tasks do it all, and nobody is woken to find nothing; and where pieces take time, all who wait are
//! awake soon.
//!
//! Invariant: while something waits, somebody who is awake has yet to look, or is being woken.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

#[derive(Debug)]
pub(super) struct Line<T> {
    items: Mutex<Items<T>>,
    /// Whether somebody was told to look who has not looked yet.
    waking: AtomicBool,
    idle: Notify,
}

#[derive(Debug)]
struct Items<T> {
    waiting: VecDeque<T>,
    is_closed: bool,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        let items = Items { waiting: VecDeque::new(), is_closed: false };
        Self { items: Mutex::new(items), waking: AtomicBool::new(false), idle: Notify::new() }
    }

    /// Puts something at the end; gives it back when the line is closed.
    pub(super) fn put(&self, item: T) -> Result<(), T> {
        let mut items = self.lock();
        if items.is_closed {
            return Err(item);
        }
        items.waiting.push_back(item);
        drop(items);
        self.wake_one();
        Ok(())
    }

    /// Waits for what is at the front; nothing when the line is closed and empty.
    pub(super) async fn take(&self) -> Option<T> {
        loop {
            if let Some(item) = self.take_now() {
                return Some(item);
            }
            let mut told = pin!(self.idle.notified());
            told.as_mut().enable();
            // What came before this one waited is not told again.
            if let Some(item) = self.take_now() {
                return Some(item);
            }
            if self.lock().is_closed {
                return None;
            }
            told.await;
            self.waking.store(false, Ordering::SeqCst);
        }
    }

    /// What is at the front, if there is anything.
    pub(super) fn take_now(&self) -> Option<T> {
        let mut items = self.lock();
        let item = items.waiting.pop_front()?;
        let is_more = !items.waiting.is_empty();
        drop(items);
        if is_more {
            self.wake_one();
        }
        Some(item)
    }

    /// All that waits.
    pub(super) fn take_all(&self) -> VecDeque<T> {
        std::mem::take(&mut self.lock().waiting)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Takes nothing more in. What waits may be taken.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.idle.notify_waiters();
    }

    fn wake_one(&self) {
        if !self.waking.swap(true, Ordering::SeqCst) {
            // The last one to fall asleep is the one whose memory is warm.
            self.idle.notify_last();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Items<T>> {
        // Each change of it is one insertion or removal.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::Line;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everything_is_taken_once_by_however_many_and_a_closed_line_ends_them() {
        const ITEMS: usize = 50_000;
        for takers in [1, 2, 50] {
            let (line, sum) = (Arc::new(Line::new()), Arc::new(AtomicUsize::new(0)));
            let tasks: Vec<_> = (0..takers)
                .map(|_| {
                    let (line, sum) = (line.clone(), sum.clone());
                    tokio::spawn(async move {
                        while let Some(item) = line.take().await {
                            sum.fetch_add(item, Ordering::Relaxed);
                            if item % 7 == 0 {
                                tokio::task::yield_now().await;
                            }
                        }
                    })
                })
                .collect();
            for item in 1..=ITEMS {
                line.put(item).expect("it is open");
                if item % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            line.close();
            for task in tasks {
                let ended = tokio::time::timeout(Duration::from_secs(60), task).await;
                ended.expect("it ends").expect("it does not panic");
            }
            assert_eq!(sum.load(Ordering::Relaxed), ITEMS * (ITEMS + 1) / 2, "with {takers}");
            assert_eq!((line.put(1), line.len()), (Err(1), 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_are_awake_soon_when_pieces_take_time() {
        let (line, busy) = (Arc::new(Line::new()), Arc::new(AtomicUsize::new(0)));
        for _ in 0..20 {
            let (line, busy) = (line.clone(), busy.clone());
            tokio::spawn(async move {
                while line.take().await.is_some() {
                    busy.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(10)).await;
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;

        (0..15).for_each(|item| line.put(item).expect("it is open"));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(busy.load(Ordering::SeqCst), 15);
        (0..15).for_each(|item| line.put(item).expect("it is open"));
        tokio::time::sleep(Duration::from_millis(1)).await;

        assert_eq!(busy.load(Ordering::SeqCst), 20, "as many as there are");
        tokio::time::sleep(Duration::from_secs(10)).await;
        assert_eq!(busy.load(Ordering::SeqCst), 30, "the rest when they are idle again");
    }

    #[tokio::test]
    async fn one_who_gives_up_waiting_keeps_nothing_from_others() {
        let line = Arc::new(Line::new());
        for round in 0..100 {
            let impatient = tokio::spawn({
                let line = line.clone();
                async move { line.take().await }
            });
            let patient = tokio::spawn({
                let line = line.clone();
                async move { line.take().await }
            });
            tokio::task::yield_now().await;
            line.put(round).expect("it is open");
            impatient.abort();
            let gone = impatient.await.ok().flatten();
            if gone.is_none() {
                let got = tokio::time::timeout(Duration::from_secs(5), patient).await;
                assert_eq!(got.expect("it is woken").expect("it does not panic"), Some(round));
            } else {
                patient.abort();
                let _ = patient.await;
            }
        }
    }
}
