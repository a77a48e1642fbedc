//! Writes down what became of runs, in batches.
//!
//! While one batch is on its way to the backend, the next gathers: no run waits for another longer than one
//! call takes. A process that dies in that time leaves the runs to be performed again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::desk::Desk;
use super::tally::Ending;
use crate::backend::{BATCH_LIMIT, Lease, Settled, Settlement};
use crate::events::Event;
use crate::name::QueueName;

/// How many settlements may wait for the backend before executors wait for them.
const BACKLOG: usize = 2 * BATCH_LIMIT;

/// How long the last settlements are tried, once the overseer leaves.
const LAST_TRY: Duration = Duration::from_millis(500);

/// A settlement on its way.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) queue: QueueName,
    pub(super) settlement: Settlement,
    pub(super) ending: Ending,
}

pub(super) fn channel() -> (mpsc::Sender<Ended>, mpsc::Receiver<Ended>) {
    mpsc::channel(BACKLOG)
}

/// Settles until every sender is gone. Each queue has one batch on its way at a time; what is wrong with one queue, such
/// as a lost server of a cluster, does not hold up the others.
pub(super) async fn settle(desk: Arc<Desk>, mut ended: mpsc::Receiver<Ended>) {
    let mut gathered: HashMap<QueueName, Batch> = HashMap::new();
    let mut on_their_way = FuturesUnordered::new();
    let mut busy = HashSet::new();
    let (mut received, mut open) = (Vec::new(), true);
    loop {
        let room = BACKLOG.saturating_sub(gathered.values().map(|batch| batch.endings.len()).sum());
        tokio::select! {
            some = ended.recv_many(&mut received, BATCH_LIMIT), if open && room > 0 => open = some > 0,
            Some(queue) = on_their_way.next(), if !on_their_way.is_empty() => {
                busy.remove(&queue);
            }
            else => break,
        }
        for Ended { queue, settlement, ending } in received.drain(..) {
            let batch = gathered.entry(queue).or_default();
            batch.settlements.push(settlement);
            batch.endings.push(ending);
        }
        let free: Vec<_> = gathered.extract_if(|queue, _| !busy.contains(queue)).collect();
        for (queue, batch) in free {
            busy.insert(queue.clone());
            let desk = &desk;
            on_their_way.push(async move {
                settle_queue(desk, &queue, &batch.settlements, &batch.endings).await;
                queue
            });
        }
    }
}

/// What gathers for a queue.
#[derive(Default)]
struct Batch {
    settlements: Vec<Settlement>,
    endings: Vec<Ending>,
}

/// One batch of one queue, tried until the backend answers or the overseer leaves.
pub(super) async fn settle_queue(
    desk: &Desk,
    queue: &QueueName,
    settlements: &[Settlement],
    endings: &[Ending],
) {
    let answers = answers(desk, queue, settlements).await;
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
async fn answers(desk: &Desk, queue: &QueueName, settlements: &[Settlement]) -> Option<(Vec<Settled>, bool)> {
    let mut backoff = Backoff::default();
    let begin = Instant::now();
    let mut answer_lost = false;
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
