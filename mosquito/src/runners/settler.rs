//! Writes down what became of runs, in batches.
//!
//! While one batch is on its way to the backend, the next gathers: no run waits for another longer than one
//! call takes. A process that dies in that time leaves the runs to be performed again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::desk::Desk;
use super::tally::Ending;
use crate::backend::{BATCH_LIMIT, Settled, Settlement};
use crate::events::Event;
use crate::name::QueueName;

/// How many settlements may wait for the backend before executors wait for them.
const BACKLOG: usize = 2 * BATCH_LIMIT;

/// How long the last settlements are tried, once the overseer leaves.
const LAST_TRY: Duration = Duration::from_secs(1);

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

/// Settles until every sender is gone.
pub(super) async fn settle(desk: Arc<Desk>, mut ended: mpsc::Receiver<Ended>) {
    let mut batch = Vec::new();
    while ended.recv_many(&mut batch, BATCH_LIMIT).await > 0 {
        let mut by_queue: HashMap<QueueName, (Vec<Settlement>, Vec<Ending>)> = HashMap::new();
        for Ended { queue, settlement, ending } in batch.drain(..) {
            let (settlements, endings) = by_queue.entry(queue).or_default();
            settlements.push(settlement);
            endings.push(ending);
        }
        for (queue, (settlements, endings)) in by_queue {
            settle_queue(&desk, &queue, &settlements, &endings).await;
        }
    }
}

/// One batch of one queue, tried until the backend answers or the overseer leaves.
pub(super) async fn settle_queue(
    desk: &Desk,
    queue: &QueueName,
    settlements: &[Settlement],
    endings: &[Ending],
) {
    let mut backoff = Backoff::default();
    // An answer that got lost may have been a success: the same settlement is stale then, and nothing is wrong.
    let mut answer_lost = false;
    let answers = loop {
        let call = desk.backend.settle(queue, settlements);
        let answer = match desk.leave.is_cancelled() {
            false => Some(call.await),
            true => tokio::time::timeout(LAST_TRY, call).await.ok(),
        };
        match answer.map(|answer| desk.noted(answer)) {
            Some(Ok(answers)) => break Some(answers),
            _ if desk.leave.is_cancelled() => break None,
            _ => answer_lost = true,
        }
        desk.leave.run_until_cancelled(tokio::time::sleep(backoff.next())).await;
    };
    desk.held.release(queue, settlements.iter().map(|settlement| &settlement.token));
    let Some(answers) = answers else {
        desk.tally.unsettled(settlements.len());
        return;
    };
    for ((settlement, ending), answer) in settlements.iter().zip(endings).zip(answers) {
        match answer {
            Settled::Stale if !answer_lost => {
                desk.tally.refused();
                let (queue, id) = (queue.clone(), settlement.id.clone());
                desk.events.emit(|| Event::SettlementRefused { queue, id });
            }
            Settled::Done | Settled::Stale => desk.tally.settled(*ending),
        }
    }
}
