//! How an overseer claims runs, and writes down in the same call what became of others.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::Overseer;
use super::next::{Arrived, Sent, step_back};
use crate::backend::{Claimed, Lease};
use crate::dequeue::Share;
use crate::error::{Error, Result};
use crate::name::QueueName;
use crate::runners::desk::Desk;
use crate::runners::executor::Work;
use crate::runners::last_chance::is_last_chance;
use crate::runners::outbox::{Batch, Outbox};
use crate::runners::resting::Round;
use crate::runners::settler;

impl Overseer {
    /// Claims along the adapter's plan until the executors are busy; the queue that a signal came from first, and if
    /// it has runs no other, since those were found empty before. Answers how many runs were claimed.
    pub(super) async fn dequeue(
        &mut self,
        mut idle: OwnedSemaphorePermit,
        woken: Option<QueueName>,
    ) -> Result<usize> {
        let (mut claimed, mut round) = (0, Round::default());
        let lost: Vec<_> = self.unanswered.keys().cloned().collect();
        if let Some(queue) = &woken {
            // Its server has just answered.
            self.resting.end(queue);
        }
        for queue in lost {
            if round.is_hopeless() {
                break;
            }
            // For nothing more than what the lost call took: it may still be on its way, and is to find its ticket spent.
            claimed += self.try_claim(&queue, 0, &mut idle, &mut round).await?;
        }
        let mut plan = self.plan(idle.num_permits());
        // A stable sort: the others stay in their order.
        plan.sort_by_key(|share| woken.as_ref() != Some(&share.queue));
        let mut plan = plan.into_iter();
        if let Some(first) = plan.next().filter(|_| idle.num_permits() > 0 && !round.is_hopeless()) {
            let first_claimed = self.try_share(&first, &mut idle, &mut round).await?;
            claimed += first_claimed;
            if first_claimed > 0 && woken.as_ref() == Some(&first.queue) {
                round.end(&mut self.resting)?;
                return Ok(claimed);
            }
        }
        claimed += self.try_shares(plan.collect(), &mut idle, &mut round).await?;
        round.end(&mut self.resting)?;
        Ok(claimed)
    }

    /// Claims from queues in their order until the executors are busy. Where the store tells cheaply what stands in each, that is two round
    /// trips for all of them: one to look, and one for the claims, none of which is about an empty queue.
    pub(super) async fn try_shares(
        &mut self,
        mut plan: Vec<Share>,
        idle: &mut OwnedSemaphorePermit,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        let mut claimed = 0;
        // Whoever asked about one of these would be held up.
        plan.retain(|share| !self.resting.has(&share.queue));
        let queues: Vec<_> = plan.iter().map(|share| share.queue.clone()).collect();
        let counts = match queues.len() {
            // One look saves no more than one claim.
            0 | 1 => None,
            _ if idle.num_permits() == 0 || round.is_hopeless() || self.begun.is_some() => None,
            _ => self.desk.backend.claimable(&queues).await,
        };
        let Some(counts) = counts else {
            for share in plan {
                if idle.num_permits() == 0 || round.is_hopeless() || self.begun.is_some() {
                    break;
                }
                claimed += self.try_share(&share, idle, round).await?;
            }
            return Ok(claimed);
        };
        // Those that stand behind what was asked for are asked when that gave nothing: it was paused, say.
        let mut rest: Vec<_> = plan.iter().zip(counts).collect();
        while claimed == 0 && idle.num_permits() > 0 {
            let asked = self.share_out(&mut rest, idle.num_permits());
            if asked.is_empty() {
                break;
            }
            claimed += self.claim_from(asked, idle, round).await?;
        }
        Ok(claimed)
    }

    /// How many runs to claim from which queues, of those that may have some; they are taken out of the plan.
    fn share_out(
        &mut self,
        rest: &mut Vec<(&Share, Result<usize>)>,
        mut room: usize,
    ) -> Vec<(QueueName, usize)> {
        let (mut asked, mut places) = (Vec::new(), HashMap::<String, usize>::new());
        rest.retain(|(share, count)| {
            // Partitions of one queue share its places, and its share of the plan.
            let taken = places.get(share.queue.whole_str()).copied().unwrap_or(0);
            let left = self.places_left(&share.queue).min(self.spread.left(share)).saturating_sub(taken);
            // Where it could not be looked at, the claim finds out what that means.
            let may_have = *count.as_ref().unwrap_or(&1);
            let at_most = left.min(may_have).min(room);
            if at_most > 0 {
                *places.entry(share.queue.whole_str().to_owned()).or_default() += at_most;
                room -= at_most;
                asked.push((share.queue.clone(), at_most));
            }
            at_most == 0 && left > 0 && may_have > 0
        });
        asked
    }

    /// Claims from queues, so many runs from each at most, all at once.
    async fn claim_from(
        &mut self,
        asked: Vec<(QueueName, usize)>,
        idle: &mut OwnedSemaphorePermit,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        let asked: Vec<_> =
            asked.into_iter().filter_map(|(queue, at_most)| Some((self.ask(&queue)?, at_most))).collect();
        let mut answers: FuturesUnordered<_> = asked
            .into_iter()
            .map(|(sent, at_most)| {
                let exchange = exchange(self.desk.clone(), self.outbox.clone(), sent.clone(), at_most);
                async move { (sent, exchange.await) }
            })
            .collect();
        let mut claimed = 0;
        // As they come: a server that hangs holds up nobody else's runs.
        while let Some((sent, answer)) = answers.next().await {
            claimed += self.heed(sent, answer, idle, round).await?;
        }
        Ok(claimed)
    }

    /// Claims from a queue, unless it rests. That it is out of reach, when others are not, is no error.
    pub(super) async fn try_claim(
        &mut self,
        queue: &QueueName,
        at_most: usize,
        idle: &mut OwnedSemaphorePermit,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        if self.resting.has(queue) {
            return Ok(0);
        }
        let Some(sent) = self.ask(queue) else { return Ok(0) };
        let (desk, outbox) = (self.desk.clone(), self.outbox.clone());
        let answer = exchange(desk, outbox, sent.clone(), at_most.min(idle.num_permits())).await;
        self.heed(sent, answer, idle, round).await
    }

    /// Notes how a claim went, and takes in what it got.
    pub(super) async fn heed(
        &mut self,
        sent: Sent,
        answer: Result<Claimed>,
        idle: &mut OwnedSemaphorePermit,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        let Sent { queue, since, .. } = &sent;
        let answer = match self.desk.noted(answer) {
            Ok(answer) => answer,
            Err(error) if error.is_transient() => {
                round.failed(queue, since.elapsed(), error);
                return Ok(0);
            }
            Err(error) => return Err(error),
        };
        round.answered();
        self.resting.end(queue);
        self.unanswered.remove(queue);
        let runs = answer.runs.len();
        self.spread.took(queue, runs);
        if runs == 0 || runs < idle.num_permits() || !self.begin_next(queue, runs) {
            self.take_in(&sent, answer, idle);
            return Ok(runs);
        }
        let theirs = idle.split(idle.num_permits()).expect("as many as there are");
        self.arrived = Some(Arrived { sent, answer, idle: theirs });
        // Whoever stops meanwhile takes in what has arrived.
        step_back().await;
        if let Some(rest) = self.take_in_arrived() {
            idle.merge(rest);
        }
        Ok(runs)
    }

    /// Asks the adapter, once a round, and remembers which queues it ever named: their signals are waited for.
    pub(super) fn plan(&mut self, idle: usize) -> Vec<Share> {
        let queues = self.queues.open();
        let mut plan = if idle == 0 { Vec::new() } else { self.spread.plan(&*self.adapter, &queues, idle) };
        plan.retain(|share| queues.contains(&share.queue));
        for share in &plan {
            if !self.planned.contains(&share.queue) {
                self.planned.insert(share.queue.clone());
            }
        }
        plan.retain(|share| share.at_most > 0);
        plan
    }

    /// A claim that is about to be sent: it is unanswered until there is an answer, for whatever reason it does not come. Nothing while
    /// another one of its queue is on its way.
    pub(super) fn ask(&mut self, queue: &QueueName) -> Option<Sent> {
        if self.begun.as_ref().is_some_and(|begun| begun.is_about(queue)) {
            return None;
        }
        let ticket = self.unanswered.get(queue).cloned().unwrap_or_else(|| self.desk.next_ticket());
        self.unanswered.insert(queue.clone(), ticket.clone());
        self.desk.held.asking(queue, ticket.number);
        Some(Sent { queue: queue.clone(), ticket, since: Instant::now() })
    }

    /// Hands out what a claim got.
    pub(super) fn take_in(&mut self, sent: &Sent, answer: Claimed, idle: &mut OwnedSemaphorePermit) {
        let Sent { queue, ticket, .. } = sent;
        if answer.lease != Lease::Held {
            self.desk.lose(queue, ticket.number - 1);
        }
        self.note_pause(queue, &answer);
        self.desk.expired(queue, answer.expired);
        if !answer.runs.is_empty() && !self.fruitless.is_empty() {
            self.fruitless.remove(queue);
        }
        let places = self.places.of(queue);
        let (mut apart, mut put_off) = (None, Vec::new());
        for claim in answer.runs {
            let Desk { held, settings, .. } = &*self.desk;
            let last_chance = is_last_chance(&claim.history, settings.max_crashes);
            let alone = last_chance && !held.has_last_chance();
            let halt = held.take(queue, &claim.id, &claim.token, ticket.number, alone);
            let _place = Some(places.take());
            let work = Work { queue: queue.clone(), claim, claimed_at: answer.now, halt, _place };
            if last_chance && !alone {
                put_off.push(work);
                continue;
            }
            // A repeated claim answers what it claimed the first time, when more executors may have been idle.
            match idle.split(1) {
                Some(permit) if alone => apart = Some((work, permit)),
                Some(permit) => self.pool.hand_out(work, permit),
                None => self.pool.hand_back(work),
            }
        }
        self.pool.part(queue, put_off, apart);
        self.desk.held.answered(queue, ticket.number);
    }
}

/// Claims from a queue, and takes along what is to be written down of it. When there is no answer, that goes back.
pub(super) async fn exchange(
    desk: Arc<Desk>,
    outbox: Arc<Outbox>,
    sent: Sent,
    at_most: usize,
) -> Result<Claimed> {
    let Sent { queue, ticket, .. } = &sent;
    let mut taken = outbox.take(queue);
    if taken.batch().settlements.is_empty() {
        return desk.backend.claim(queue, ticket, at_most).await;
    }
    taken.sent();
    let Batch { settlements, endings, .. } = taken.batch();
    let (settled, claimed) = desk.backend.settle_and_claim(queue, settlements, ticket, at_most).await?;
    settler::note(&desk, queue, settlements, endings, Some((settled, false)));
    taken.done();
    Ok(claimed)
}
