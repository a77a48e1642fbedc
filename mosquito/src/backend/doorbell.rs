//! Wakes waiters within one process.
//!
//! A ring stays until somebody takes it, so it is not lost while nobody waits; one ring is taken by one
//! waiter, so a single run does not wake a whole fleet of them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::backend::Signal;
use crate::name::{OverseerId, QueueName};

/// The most words that are kept for overseers. Those who are gone never hear theirs.
const WORDS: usize = 1_000;

/// What somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bell {
    /// A signal of a queue.
    Of(Signal, QueueName),
    /// A word into the ear of an overseer.
    Ear(OverseerId),
}

#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    rung: Mutex<HashSet<Bell>>,
    changed: Notify,
}

impl Doorbell {
    pub(crate) fn ring(&self, signal: Signal, queue: &QueueName) {
        self.ring_one(Bell::Of(signal, queue.clone()));
    }

    /// Says a word to an overseer.
    pub(crate) fn call(&self, overseer: &OverseerId) {
        self.ring_one(Bell::Ear(overseer.clone()));
    }

    fn ring_one(&self, bell: Bell) {
        let new = {
            let mut rung = self.lock();
            if rung.len() >= WORDS {
                // Whoever is still there looks by itself a little later.
                rung.retain(|bell| !matches!(bell, Bell::Ear(_)));
            }
            rung.insert(bell)
        };
        if new {
            self.changed.notify_waiters();
        }
    }

    pub(crate) async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Option<QueueName> {
        let bells: Vec<_> = queues.iter().map(|queue| Bell::Of(signal, queue.clone())).collect();
        let rung = self.wait_for(&bells, timeout).await?;
        Some(queues[rung].clone())
    }

    /// Waits for a word to an overseer; whether it came.
    pub(crate) async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> bool {
        self.wait_for(&[Bell::Ear(overseer.clone())], timeout).await.is_some()
    }

    /// Which of the bells rang first.
    async fn wait_for(&self, bells: &[Bell], timeout: Duration) -> Option<usize> {
        let answered = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // Listening before looking: a ring in between is not missed.
                changed.as_mut().enable();
                if let Some(rung) = self.take(bells) {
                    return rung;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, answered).await.ok()
    }

    fn take(&self, bells: &[Bell]) -> Option<usize> {
        let mut rung = self.lock();
        bells.iter().position(|bell| rung.remove(bell))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<Bell>> {
        // A set cannot be left half changed.
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Doorbell, WORDS};
    use crate::backend::Signal;
    use crate::name::{OverseerId, QueueName};

    #[tokio::test(start_paused = true)]
    async fn a_ring_waits_for_its_waiter_and_is_taken_once() {
        let (bell, mail) = (Doorbell::default(), QueueName::new("mail").unwrap());
        bell.ring(Signal::Work, &mail);
        let wait = |signal| bell.wait(signal, std::slice::from_ref(&mail), Duration::from_secs(1));

        assert_eq!(wait(Signal::Due).await, None, "another signal");
        assert_eq!(wait(Signal::Work).await, Some(mail.clone()));
        assert_eq!(wait(Signal::Work).await, None, "taken already");
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_wakes_when_it_rings() {
        let (bell, mail) = (Doorbell::default(), QueueName::new("mail").unwrap());

        let queues = [mail.clone()];
        let (woken, ()) = tokio::join!(bell.wait(Signal::Work, &queues, Duration::from_secs(9)), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            bell.ring(Signal::Work, &mail);
        });

        assert_eq!(woken, Some(mail));
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_is_heard_by_the_one_it_is_for_and_those_for_nobody_are_not_kept_for_ever() {
        let (bell, mail) = (Doorbell::default(), QueueName::new("mail").unwrap());
        let overseer = OverseerId::random();
        let listen = async |overseer: &OverseerId| bell.listen(overseer, Duration::from_secs(1)).await;

        bell.call(&overseer);
        assert!(!listen(&OverseerId::random()).await, "it is somebody else's");
        assert!(listen(&overseer).await);
        assert!(!listen(&overseer).await, "heard already");

        bell.ring(Signal::Work, &mail);
        (0..10 * WORDS).for_each(|_| bell.call(&OverseerId::random()));
        assert!(bell.lock().len() <= WORDS);
        assert_eq!(
            bell.wait(Signal::Work, std::slice::from_ref(&mail), Duration::from_secs(1)).await,
            Some(mail.clone())
        );
    }
}
