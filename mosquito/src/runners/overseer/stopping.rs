//! How an overseer comes to its end: nothing that it claimed is left behind, as far as the store answers in time.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{LAST_WAIT, Overseer};
use crate::backend::{Fate, Settlement};
use crate::events::Event;
use crate::runners::desk::Desk;
use crate::runners::settler;
use crate::runners::tally::Ending;

/// How long one that stops waits to hear what its last claim took, at most.
const LAST_ANSWER: Duration = Duration::from_secs(1);

impl Overseer {
    /// Lets executors come to their end within the grace, and their settlements be answered, then hands back what they
    /// did not finish.
    pub(super) async fn stop(&mut self) {
        let (desk, pool) = (self.desk.clone(), self.pool.clone());
        let Desk { settings, events, overseer, held, leave, .. } = &*desk;
        let grace = settings.grace;
        events.emit(|| Event::OverseerStopping { overseer: overseer.clone(), grace });
        // What is left of the grace when the runs' tokens fire: half for the jobs to notice, half to hand back.
        let farewell = (grace / 5).min(Duration::from_secs(2));
        let begin = Instant::now();
        // What nobody has begun somebody else may begin at once.
        pool.hold();
        self.begun = None;
        drop(self.take_in_arrived());
        // What the last claim took goes back first: what was claimed before it is to come to stand in front.
        let unanswered = tokio::time::timeout(LAST_ANSWER.min(farewell), self.find_unanswered());
        let _ = leave.run_until_cancelled(unanswered).await;
        pool.hand_backlog_back();
        let settled = async {
            pool.drain().await;
            held.until_empty().await;
        };
        let drained = async {
            let done = async { tokio::join!(self.find_unanswered(), settled) };
            let left = (grace - farewell).saturating_sub(begin.elapsed());
            if tokio::time::timeout(left, done).await.is_err() {
                held.cancel_all();
                let _ = tokio::time::timeout(farewell / 2, pool.drain()).await;
            }
        };
        leave.run_until_cancelled(drained).await;
        leave.cancel();
        // Whatever is not handed back in time is taken back by a reaper.
        let last = (farewell / 2).max(LAST_WAIT);
        let _ = tokio::time::timeout(last, self.hand_everything_back(last / 2)).await;
    }

    /// All queues at once: one whose server hangs must not keep the others' runs from being handed back. What cannot be
    /// found out in time is left to a reaper.
    async fn hand_everything_back(&mut self, patience: Duration) {
        let _ = tokio::time::timeout(patience, self.find_unanswered()).await;
        let desk = &*self.desk;
        let all = desk.held.hand_back().into_iter().map(|(queue, settlements)| async move {
            for settlement in &settlements {
                let (queue, id) = (queue.clone(), settlement.id.clone());
                desk.events.emit(|| Event::HandedBack { queue, id });
            }
            let endings = vec![Ending::HandedBack; settlements.len()];
            settler::settle_queue(desk, &queue, &settlements, &endings).await;
        });
        join_all(all).await;
        self.pool.drain().await;
    }

    /// Finds out what claims took whose answers were lost.
    async fn find_unanswered(&mut self) {
        let desk = &*self.desk;
        let all = self.unanswered.iter().map(|(queue, ticket)| async move {
            // Asking for nothing answers what the first call claimed, and has it claim nothing if it is still on its way.
            let answer = desk.backend.claim(queue, ticket, 0).await.ok()?;
            let (settlements, endings): (Vec<_>, Vec<_>) = answer
                .runs
                .into_iter()
                .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::HandBack })
                .map(|settlement| (settlement, Ending::HandedBack))
                .unzip();
            if !settlements.is_empty() {
                settler::settle_queue(desk, queue, &settlements, &endings).await;
            }
            Some(queue.clone())
        });
        let found: Vec<_> = join_all(all).await.into_iter().flatten().collect();
        self.unanswered.retain(|queue, _| !found.contains(queue));
    }
}
