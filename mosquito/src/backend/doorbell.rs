//! Wakes waiters within one process.
//!
//! A ring stays until somebody takes it, so it is not lost while nobody waits; one ring is taken by one
//! waiter, so a single run does not wake a whole fleet of them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::backend::Signal;
use crate::name::QueueName;

#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    rung: Mutex<HashSet<(Signal, QueueName)>>,
    changed: Notify,
}

impl Doorbell {
    pub(crate) fn ring(&self, signal: Signal, queue: &QueueName) {
        let new = self.lock().insert((signal, queue.clone()));
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
        let answered = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // Listening before looking: a ring in between is not missed.
                changed.as_mut().enable();
                if let Some(queue) = self.take(signal, queues) {
                    return queue;
                }
                changed.await;
            }
        };
        tokio::time::timeout(timeout, answered).await.ok()
    }

    fn take(&self, signal: Signal, queues: &[QueueName]) -> Option<QueueName> {
        let mut rung = self.lock();
        queues.iter().find(|queue| rung.remove(&(signal, (*queue).clone()))).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(Signal, QueueName)>> {
        // A set cannot be left half changed.
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Doorbell;
    use crate::backend::Signal;
    use crate::name::QueueName;

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
}
