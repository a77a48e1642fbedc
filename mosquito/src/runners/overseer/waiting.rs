//! What an overseer does while there is nothing to claim; and which queues it may claim from.
//!
//! Invariant: the signals of a queue at its limit, or behind a closed gate, are left to whoever may work on it. When that changes the overseer is
//! told, and looks by itself: no signal is needed then.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Overseer;
use crate::backend::{BATCH_LIMIT, Claimed, Signal};
use crate::dequeue::Share;
use crate::error::{Error, Result};
use crate::name::QueueName;
use crate::runners::reaper;
use crate::runners::resting::Round;

/// How long an idle overseer waits for a signal before it tries to claim by itself.
const IDLE_WAIT: Duration = Duration::from_secs(5);

/// The same, where the store tells cheaply whether there is something to claim, and it looks for that beside its wait.
const LONG_WAIT: Duration = Duration::from_secs(20);

/// How often it looks: a signal that was lost, with the process that took it, costs no more than that.
const LOOK_EVERY: Duration = Duration::from_millis(980);

impl Overseer {
    /// Waits for a signal from the queues that may be worked on. When others come to be so, they are looked at while this wait goes on, as
    /// long as it is still the right one: to begin another costs a connection.
    pub(super) async fn wait(&mut self) -> Result<Option<QueueName>> {
        let (backend, changed) = (self.desk.backend.clone(), self.changed.clone());
        let queues: Vec<_> = self.planned.iter().filter(|queue| self.may_claim(queue)).cloned().collect();
        let looks = backend.claimable(&[]).await.is_some();
        let idle_wait = if looks { LONG_WAIT } else { IDLE_WAIT };
        let tried_again = self.resting.next().unwrap_or_else(|| Instant::now() + idle_wait);
        let patience = tried_again.saturating_duration_since(Instant::now()).min(idle_wait);
        let patience = self.first_to_resume().map_or(idle_wait * 2, until).min(reaper::around(patience));
        let mut signal = pin!(backend.wait(Signal::Work, &queues, patience));
        // Beside the wait, too: a server that hangs keeps no signal of another one from being heard.
        let awake: Vec<_> = queues.iter().filter(|queue| !self.resting.has(queue)).cloned().collect();
        let look = || async {
            tokio::time::sleep(LOOK_EVERY).await;
            backend.claimable(&awake).await
        };
        let mut counts = pin!(look());
        loop {
            tokio::select! {
                signal = &mut signal => return signal,
                () = changed.notified() => {
                    if !self.keeps_waiting(&queues).await {
                        return Ok(None);
                    }
                }
                // What was claimed ahead may lie behind long runs, with nothing else to claim.
                () = tokio::time::sleep_until(self.ahead.next()), if self.pool.backlog() > 0 => self.look_ahead(),
                seen = &mut counts, if looks => {
                    if let Some(queue) = seen.and_then(|seen| self.lost_signal(&awake, seen)) {
                        return Ok(Some(queue));
                    }
                    counts.set(look());
                }
            }
        }
    }

    /// A queue with something to claim, though no signal came. What a claim did not get the last time it does not get now: its queue is
    /// paused, say. What goes wrong here the wait hears of, too.
    fn lost_signal(&mut self, queues: &[QueueName], counts: Vec<Result<usize>>) -> Option<QueueName> {
        let mut lost = None;
        for (queue, count) in queues.iter().zip(counts) {
            match count {
                Ok(0) => drop(self.fruitless.remove(queue)),
                Ok(count) if self.fruitless.get(queue) != Some(&count) && lost.is_none() => {
                    self.fruitless.insert(queue.clone(), count);
                    lost = Some(queue.clone());
                }
                _ => (),
            }
        }
        lost
    }

    /// Claims from the other queues, as far as they may be worked on by now. Answers whether to wait for the signals of these is still what
    /// there is to do.
    async fn keeps_waiting(&mut self, waited_for: &[QueueName]) -> bool {
        if !waited_for.iter().all(|queue| self.may_claim(queue)) {
            return false;
        }
        let mut idle = self.pool.take_idle_now(BATCH_LIMIT);
        let mut round = Round::default();
        let others =
            self.plan(idle.num_permits()).into_iter().filter(|share| !waited_for.contains(&share.queue));
        for share in others {
            if idle.num_permits() == 0 || self.begun.is_some() {
                break;
            }
            // What goes wrong here goes wrong again in the next round, which knows what to do about it.
            if self.try_share(&share, &mut idle, &mut round).await.is_err() {
                return false;
            }
        }
        let all_went_well = round.end(&mut self.resting).is_ok();
        let mut others = self.planned.iter().filter(|queue| !waited_for.contains(queue));
        all_went_well
            && self.begun.is_none()
            && idle.num_permits() > 0
            && !others.any(|queue| self.may_claim(queue))
    }

    /// Claims from a queue what the plan and its limit allow.
    pub(super) async fn try_share(
        &mut self,
        share: &Share,
        idle: &mut OwnedSemaphorePermit,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        let at_most = self.spread.left(share).min(self.places_left(&share.queue));
        if at_most == 0 {
            return Ok(0);
        }
        self.try_claim(&share.queue, at_most, idle, round).await
    }

    /// Whether runs of a queue may be claimed now: no gate holds it back, and it has a place left.
    fn may_claim(&self, queue: &QueueName) -> bool {
        self.queues.gates.let_through(queue) && self.places_left(queue) > 0
    }

    pub(super) fn places_left(&self, queue: &QueueName) -> usize {
        let limit = self.tuning.limit(queue).or_else(|| self.adapter.limit(&queue.whole()));
        self.places.left(queue, limit)
    }

    /// Remembers when a queue hands out runs again. The store signals nothing then.
    pub(super) fn note_pause(&mut self, queue: &QueueName, answer: &Claimed) {
        let pause = answer.paused_until.and_then(|until| (until - answer.now).to_std().ok());
        match pause.and_then(|pause| Instant::now().checked_add(pause)) {
            Some(end) => drop(self.resuming.insert(queue.clone(), end)),
            None if self.resuming.is_empty() => (),
            None => drop(self.resuming.remove(queue)),
        }
    }

    /// When the first pause ends. One that has ended is told once, so that a queue which nobody looks at any more ends no further wait.
    fn first_to_resume(&mut self) -> Option<Instant> {
        let (first, now) = (self.resuming.values().min().copied(), Instant::now());
        self.resuming.retain(|_, end| *end > now);
        first
    }
}

fn until(time: Instant) -> Duration {
    // A wait of no time at all would be one without an end to some servers.
    time.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}
