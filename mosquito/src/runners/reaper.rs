//! Takes back the runs of overseers that stopped beating, and those of its own overseer that the store has wrong.
//!
//! Every overseer does, each at a pace of its own: whoever comes first takes them, and nobody waits for a
//! leader that may be the one who died.

use std::time::Duration;

use super::desk::Desk;
use super::queue_list::QueueList;
use crate::backend::{BATCH_LIMIT, Rescue, Ticket};
use crate::error::Result;
use crate::events::Event;
use crate::name::QueueName;

/// Reaps until the overseer stops.
pub(super) async fn reap(desk: &Desk, queues: &QueueList) {
    // At once, not after the first pause: what a killed process left behind may be waiting for its successor.
    while !desk.stop.is_cancelled() {
        let rescues = !nobody_could_beat(desk);
        for queue in &*queues.now() {
            // The outage is told, and the next round tries again.
            if rescues {
                desk.tried(reap_queue(desk, queue).await);
            }
            desk.tried(recall_queue(desk, queue).await);
        }
        desk.rest(around(desk.settings.reap_every)).await;
    }
}

/// When the store was out of reach for most of a lease, whoever is alive seems dead until its next beat: it gets the time
/// for that, and its runs are not performed twice.
fn nobody_could_beat(desk: &Desk) -> bool {
    let settings = &desk.settings;
    desk.outage.is_recent(settings.dead_after / 4, settings.heartbeat)
}

async fn reap_queue(desk: &Desk, queue: &QueueName) -> Result<()> {
    let settings = &desk.settings;
    let rescue =
        Rescue { dead_after: settings.dead_after, max_crashes: settings.max_crashes, at_most: BATCH_LIMIT };
    loop {
        let answer = desk.backend.rescue(queue, &rescue).await?;
        let more = answer.more;
        if !answer.rescued.is_empty() || !answer.poisoned.is_empty() {
            let (rescued, poisoned) = (answer.rescued, answer.poisoned);
            desk.events.emit(|| Event::Rescued { queue: queue.clone(), rescued, poisoned });
        }
        if !more || desk.stop.is_cancelled() {
            return Ok(());
        }
    }
}

/// A store that lost its latest writes, in a failover or a power cut, believes runs to be pending that this overseer
/// has settled. It beats, so nobody takes them back; but it knows that it holds nothing from so old a ticket.
async fn recall_queue(desk: &Desk, queue: &QueueName) -> Result<()> {
    let Some(number) = desk.held.oldest(queue) else { return Ok(()) };
    let runs = desk.backend.recall(queue, &Ticket { overseer: desk.overseer.clone(), number }).await?;
    if !runs.is_empty() {
        desk.events.emit(|| Event::Recalled { queue: queue.clone(), runs });
    }
    Ok(())
}

/// A duration at random, up to a fifth shorter or longer: a fleet that started together does not act in step.
pub(super) fn around(duration: Duration) -> Duration {
    // No pause is longer than a day, which no arithmetic overflows.
    duration.min(Duration::from_secs(86_400)).mul_f64(0.8 + fastrand::f64() * 0.4)
}
