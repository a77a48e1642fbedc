//! Writes down what became of runs, in batches.
//!
//! While one batch is on its way to the backend, the next gathers: no run waits for another longer than one
//! call takes. A process that dies in that time leaves the runs to be performed again.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

use super::backoff::Backoff;
use super::desk::Desk;
use super::outbox::{Batch, Outbox, Taken};
use super::tally::Ending;
use crate::backend::{Lease, Settled, Settlement};
use crate::events::Event;
use crate::name::QueueName;

/// How long the last settlements are tried, once the overseer leaves.
const LAST_TRY: Duration = Duration::from_millis(500);

/// Settles what nobody takes along, until the outbox is closed and empty. Each queue has one batch on its way at a time; what is wrong
/// with one queue, such as a lost server of a cluster, does not hold up the others.
pub(super) async fn settle(desk: Arc<Desk>, outbox: Arc<Outbox>) {
    let mut on_their_way = FuturesUnordered::new();
    let mut busy = HashSet::new();
    loop {
        let due = outbox.take_due(|queue| busy.contains(queue));
        for taken in due.batches {
            busy.insert(taken.queue.clone());
            let desk = &desk;
            on_their_way.push(async move {
                let queue = taken.queue.clone();
                settle_taken(desk, taken).await;
                queue
            });
        }
        if due.is_over && on_their_way.is_empty() {
            break;
        }
        tokio::select! {
            Some(queue) = on_their_way.next(), if !on_their_way.is_empty() => {
                busy.remove(&queue);
            }
            () = outbox.changed() => (),
            () = at(due.next) => (),
        }
    }
}

async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

async fn settle_taken(desk: &Desk, mut taken: Taken<'_>) {
    let (before, queue) = (taken.batch().may_be_settled, taken.queue.clone());
    taken.sent();
    let Batch { settlements, endings, since, .. } = taken.batch();
    let since = if before { *since } else { Instant::now() };
    let answers = answers(desk, &queue, settlements, since, before).await;
    note(desk, &queue, settlements, endings, answers);
    taken.done();
}

/// One batch of one queue, tried until the backend answers or the overseer leaves.
pub(super) async fn settle_queue(
    desk: &Desk,
    queue: &QueueName,
    settlements: &[Settlement],
    endings: &[Ending],
) {
    let answers = answers(desk, queue, settlements, Instant::now(), false).await;
    note(desk, queue, settlements, endings, answers);
}

/// Lets go of runs that were settled, or never will be, and counts them.
pub(super) fn note(
    desk: &Desk,
    queue: &QueueName,
    settlements: &[Settlement],
    endings: &[Ending],
    answers: Option<(Vec<Settled>, bool)>,
) {
    let still_held = desk.held.release(queue, settlements.iter().map(|settlement| &settlement.token));
    if answers.as_ref().is_some_and(|(answers, _)| answers.contains(&Settled::Done)) {
        desk.outage.wrote();
    }
    let Some((answers, may_have_settled)) = answers else {
        desk.tally.unsettled(settlements.len());
        return;
    };
    for (((settlement, ending), answer), still_held) in
        settlements.iter().zip(endings).zip(answers).zip(still_held)
    {
        match answer {
            // An answer that got lost may have been a success: the same settlement is stale then, and nothing is wrong.
            Settled::Stale if !(may_have_settled && still_held) => {
                desk.tally.refused();
                let (queue, id) = (queue.clone(), settlement.id.clone());
                desk.events.emit(|| Event::SettlementRefused { queue, id });
            }
            Settled::Done | Settled::Stale => desk.tally.settled(*ending),
        }
    }
}

/// What the backend says, and whether an earlier call, whose answer was lost, may have settled already; nothing when there
/// is no answer to be had.
async fn answers(
    desk: &Desk,
    queue: &QueueName,
    settlements: &[Settlement],
    begin: Instant,
    mut answer_lost: bool,
) -> Option<(Vec<Settled>, bool)> {
    let mut backoff = Backoff::default();
    loop {
        let call = desk.backend.settle(queue, settlements);
        let answer = match desk.leave.is_cancelled() {
            false => Some(call.await),
            true => tokio::time::timeout(LAST_TRY, call).await.ok(),
        };
        match answer.map(|answer| desk.noted(answer)) {
            // After so long a silence somebody else may have taken the runs back: then stale means refused.
            Some(Ok(answers)) => {
                let silent = begin.elapsed() >= desk.settings.dead_after;
                return Some((answers, answer_lost && (!silent || holds_its_lease(desk, queue).await)));
            }
            Some(Err(error)) if !error.is_transient() => {
                desk.give_up(error);
                return None;
            }
            _ if desk.leave.is_cancelled() => return None,
            _ => answer_lost = true,
        }
        desk.leave.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
    }
}

/// Whether nobody has taken back what this overseer claimed in a queue, as far as the backend can be asked.
async fn holds_its_lease(desk: &Desk, queue: &QueueName) -> bool {
    let leases = desk.backend.beat(&desk.overseer, std::slice::from_ref(queue)).await;
    matches!(leases.as_deref(), Ok([Lease::Held]))
}
