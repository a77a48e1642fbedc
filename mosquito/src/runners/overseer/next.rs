//! The next round, begun before the last one is at its end.
//!
//! A claim that got all it asked for has left more behind, most likely. So the next one is sent before its answer is taken in: the store
//! works on that one, while executors work on this one. Without it, each would wait for the other.
//!
//! Invariant: there is one claim of a queue on its way at most, and an answer is either not there or taken in, whatever ends a round.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::Overseer;
use super::dequeuing::exchange;
use crate::backend::{BATCH_LIMIT, Claimed, Ticket};
use crate::dequeue::Share;
use crate::error::Result;
use crate::name::QueueName;
use crate::runners::resting::Round;

/// For fewer executors it is not worth it.
const LEAST: usize = 8;

/// A round whose first claim is on its way.
#[derive(Debug)]
pub(super) struct Begun {
    sent: Sent,
    answer: AbortOnDropHandle<Result<Claimed>>,
    idle: OwnedSemaphorePermit,
    /// What comes behind it.
    plan: Vec<Share>,
}

/// A claim, since when it was sent.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) queue: QueueName,
    pub(super) ticket: Ticket,
    pub(super) since: Instant,
}

impl Begun {
    /// Whether it claims from a queue.
    pub(super) fn is_about(&self, queue: &QueueName) -> bool {
        self.sent.queue == *queue
    }
}

/// An answer that is not yet taken in, and the executors it is for.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) sent: Sent,
    pub(super) answer: Claimed,
    pub(super) idle: OwnedSemaphorePermit,
}

impl Overseer {
    /// Sends the first claim of the next round, as far as executors are idle by now; behind an answer of so many runs of a queue, which are
    /// not taken in yet. Answers whether it did.
    pub(super) fn begin_next(&mut self, queue: &QueueName, runs: usize) -> bool {
        self.look_ahead();
        let idle = self.pool.take_idle_now(BATCH_LIMIT);
        // A claim whose answer was lost comes first, in a round of its own.
        let is_to_wait = self.begun.is_some() || !self.unanswered.is_empty() || self.desk.stop.is_cancelled();
        if idle.num_permits() < LEAST || is_to_wait {
            return false;
        }
        let mut plan = self.plan(idle.num_permits()).into_iter();
        let Some(share) = plan.next().filter(|share| !self.resting.has(&share.queue)) else { return false };
        let taken = if share.queue.whole_str() == queue.whole_str() { runs } else { 0 };
        let places = self.places_left(&share.queue).saturating_sub(taken);
        let at_most = self.spread.left(&share).min(idle.num_permits()).min(places);
        if at_most == 0 {
            return false;
        }
        let Some(sent) = self.ask(&share.queue) else { return false };
        let (desk, outbox) = (self.desk.clone(), self.outbox.clone());
        let answer = AbortOnDropHandle::new(tokio::spawn(exchange(desk, outbox, sent.clone(), at_most)));
        self.begun = Some(Begun { sent, answer, idle, plan: plan.collect() });
        true
    }

    /// Goes on with the round that is begun.
    pub(super) async fn go_on(&mut self) -> Result<usize> {
        let Some(begun) = &mut self.begun else { return Ok(0) };
        let answer = match (&mut begun.answer).await.map_err(JoinError::try_into_panic) {
            Ok(answer) => answer,
            Err(Ok(panic)) => resume_unwind(panic),
            // Its runtime is shutting down, and this one with it.
            Err(Err(_)) => std::future::pending().await,
        };
        let Some(Begun { sent, mut idle, plan, .. }) = self.begun.take() else { return Ok(0) };
        let mut round = Round::default();
        let mut claimed = self.heed(sent, answer, &mut idle, &mut round).await?;
        claimed += self.try_shares(plan, &mut idle, &mut round).await?;
        round.end(&mut self.resting)?;
        Ok(claimed)
    }

    /// Takes in what has arrived, if anything has; the executors that are left over.
    pub(super) fn take_in_arrived(&mut self) -> Option<OwnedSemaphorePermit> {
        let Arrived { sent, answer, mut idle } = self.arrived.take()?;
        self.take_in(&sent, answer, &mut idle);
        Some(idle)
    }
}

/// Lets other tasks of this thread go first, so that what was just spawned is sent by now; or goes on on another thread soon, should one of them
/// hold this one.
pub(super) async fn step_back() {
    let _ = tokio::time::timeout(Duration::from_millis(1), tokio::task::yield_now()).await;
}
