//! Queues that are left alone for a while, since they are out of reach when others are not: their server of a cluster
//! is lost, say.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::backoff::Backoff;
use crate::name::QueueName;

/// From then on a failure is one that holds others up.
pub(super) const SLOW: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Resting(HashMap<QueueName, Rest>);

#[derive(Debug)]
struct Rest {
    backoff: Backoff,
    until: Instant,
}

impl Resting {
    /// Whether a queue is to be left alone now.
    pub(super) fn has(&self, queue: &QueueName) -> bool {
        self.0.get(queue).is_some_and(|rest| Instant::now() < rest.until)
    }

    /// When the next one is to be tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|rest| rest.until).filter(|until| *until > Instant::now()).min()
    }

    /// The queue answered.
    pub(super) fn end(&mut self, queue: &QueueName) {
        self.0.remove(queue);
    }

    /// The queue was out of reach, which took so long to find out; for longer, the next time.
    pub(super) fn begin(&mut self, queue: QueueName, took: Duration) {
        let now = Instant::now();
        let rest = self.0.entry(queue).or_insert_with(|| Rest { backoff: Backoff::default(), until: now });
        // At least as long as it held others up.
        rest.until = now + rest.backoff.next() + took;
    }
}

/// One time that several queues are tried.
#[derive(Debug)]
pub(super) struct Round<E> {
    answered: bool,
    failed: Vec<(QueueName, Duration)>,
    error: Option<E>,
}

impl<E> Default for Round<E> {
    fn default() -> Self {
        Self { answered: false, failed: Vec::new(), error: None }
    }
}

impl<E> Round<E> {
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    pub(super) fn failed(&mut self, queue: &QueueName, took: Duration, error: E) {
        self.failed.push((queue.clone(), took));
        self.error = Some(error);
    }

    /// Whether it looks as if everything were out of reach, and to find that out for each queue would take long.
    pub(super) fn is_hopeless(&self) -> bool {
        !self.answered && self.failed.iter().any(|(_, took)| *took >= SLOW)
    }

    /// Has queues rest that were out of reach while others were not, or that would hold those up. An error when no
    /// queue answered.
    pub(super) fn end(self, resting: &mut Resting) -> Result<(), E> {
        for (queue, took) in self.failed {
            if self.answered || took >= SLOW {
                resting.begin(queue, took);
            }
        }
        match self.error {
            Some(error) if !self.answered => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Resting, Round};
    use crate::name::QueueName;

    fn queue(name: &str) -> QueueName {
        QueueName::new(name).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_rests_when_it_fails_and_others_do_not() {
        let (mut resting, mut round, lost) = (Resting::default(), Round::default(), queue("lost"));

        round.answered();
        round.failed(&lost, Duration::ZERO, "gone");

        assert_eq!(round.end(&mut resting), Ok(()));
        assert!(resting.has(&lost) && !resting.has(&queue("other")));
        tokio::time::sleep_until(resting.next().unwrap()).await;
        assert!(!resting.has(&lost), "it is tried again");
    }

    #[tokio::test(start_paused = true)]
    async fn no_queue_rests_when_all_fail_at_once() {
        let (mut resting, mut round, lost) = (Resting::default(), Round::default(), queue("lost"));

        round.failed(&lost, Duration::ZERO, "gone");

        assert!(!round.is_hopeless());
        assert_eq!(round.end(&mut resting), Err("gone"));
        assert!(!resting.has(&lost), "whoever called has a pace of its own");
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_hangs_rests_for_as_long_as_it_held_others_up() {
        let (mut resting, mut round, lost) = (Resting::default(), Round::default(), queue("lost"));

        round.failed(&lost, Duration::from_secs(5), "no answer");

        assert!(round.is_hopeless());
        assert_eq!(round.end(&mut resting), Err("no answer"));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(resting.has(&lost));
        resting.end(&lost);
        assert!(!resting.has(&lost), "it answered");
    }
}
