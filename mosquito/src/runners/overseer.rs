//! Claims runs for idle executors, and keeps everything else of its process going.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::coordinator::Coordinator;
use super::desk::Desk;
use super::executor::{Executor, Work};
use super::pool::Pool;
use super::queue_list::QueueList;
use super::settler::{self, Ended};
use super::tally::Ending;
use super::{pulse, reaper};
use crate::backend::{BATCH_LIMIT, Fate, Lease, Settlement, Signal, Ticket};
use crate::dequeue::{DequeueAdapter, Share};
use crate::error::Result;
use crate::events::Event;
use crate::name::QueueName;

/// How long an idle overseer waits for a signal before it looks by itself.
const IDLE_WAIT: Duration = Duration::from_secs(5);

/// How long an overseer that leaves waits for its companions.
const LAST_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct Overseer {
    desk: Arc<Desk>,
    queues: Arc<QueueList>,
    adapter: Box<dyn DequeueAdapter>,
    pool: Arc<Pool>,
    ended: Option<mpsc::Receiver<Ended>>,
    /// Claims whose answers were lost, by queue: to be asked again before anything else is claimed.
    unanswered: HashMap<QueueName, Ticket>,
}

impl Overseer {
    pub(crate) fn new(desk: Arc<Desk>, queues: QueueList, adapter: Box<dyn DequeueAdapter>) -> Self {
        let (settler, ended) = settler::channel();
        let pool = Pool::new(desk.clone(), Executor { desk: desk.clone(), settler });
        let (queues, unanswered) = (Arc::new(queues), HashMap::new());
        Self { desk, queues, adapter, pool, ended: Some(ended), unanswered }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Works until it is told to stop, then drains. An error is one that no patience helps against.
    pub(crate) async fn run(mut self) -> Result<()> {
        let (companions, pulse_done) = (TaskTracker::new(), CancellationToken::new());
        pulse::start(self.desk.clone(), pulse_done.clone());
        let ended = self.ended.take().expect("an overseer runs once");
        let settler = tokio::spawn(settler::settle(self.desk.clone(), ended));
        self.start(&companions);
        self.pool.resize(self.desk.settings.executors);

        let worked = self.work().await;

        self.desk.stop.cancel();
        let (desk, pool) = (self.desk.clone(), self.pool.clone());
        self.stop().await;
        // The settler ends when the last executor is gone, and the overseer's own pool with it.
        drop((self, pool));
        companions.close();
        // They stop by themselves; but one of them may be in a call that a dead connection holds up.
        let _ = tokio::time::timeout(LAST_WAIT, async { tokio::join!(settler, companions.wait()) }).await;
        pulse_done.cancel();
        desk.events.emit(|| Event::OverseerStopped { overseer: desk.overseer.clone() });
        worked
    }

    fn start(&self, companions: &TaskTracker) {
        let (overseer, executors) = (self.desk.overseer.clone(), self.desk.settings.executors);
        let queues = self.queues.now().to_vec();
        self.desk.events.emit(|| Event::OverseerStarted { overseer, executors, queues });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move { queues.keep_up(&desk).await });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move { Coordinator::new(&desk, &queues).run().await });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move { reaper::reap(&desk, &queues).await });
    }

    async fn work(&mut self) -> Result<()> {
        let stop = self.desk.stop.clone();
        let mut backoff = Backoff::default();
        let mut woken = None;
        while !stop.is_cancelled() {
            let Some(idle) = stop.run_until_cancelled(self.pool.take_idle(BATCH_LIMIT)).await else { break };
            let dequeued = self.dequeue(idle, woken.take()).await;
            match self.desk.noted(dequeued) {
                Ok(0) => {
                    // Only those that the adapter would dequeue from: a signal of another one is for others.
                    let plan = self.plan(1);
                    let queues: Vec<_> = plan.into_iter().map(|share| share.queue).collect();
                    let signal = self.desk.backend.wait(Signal::Work, &queues, reaper::around(IDLE_WAIT));
                    match stop.run_until_cancelled(signal).await {
                        Some(Ok(queue)) => woken = queue,
                        Some(Err(error)) => {
                            self.desk.outage.failed(&error, &self.desk.events);
                            self.desk.rest(backoff.next()).await;
                        }
                        None => break,
                    }
                }
                Ok(_) => backoff.reset(),
                Err(error) if error.is_transient() => self.desk.rest(backoff.next()).await,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Claims along the adapter's plan until the executors are busy. After a signal only the queue that it came
    /// from is asked, since all the others were found empty before. Answers how many runs were claimed.
    async fn dequeue(
        &mut self,
        mut idle: Vec<OwnedSemaphorePermit>,
        woken: Option<QueueName>,
    ) -> Result<usize> {
        let mut claimed = 0;
        let mut plan = self.plan(idle.len());
        plan.retain(|share| woken.as_ref().is_none_or(|woken| share.queue == *woken));
        for share in plan {
            if idle.is_empty() {
                break;
            }
            claimed += self.claim(&share.queue, share.at_most, &mut idle).await?;
        }
        Ok(claimed)
    }

    fn plan(&self, idle: usize) -> Vec<Share> {
        let queues = self.queues.now();
        let plan = self.adapter.plan(&queues, idle);
        plan.into_iter().filter(|share| share.at_most > 0 && queues.contains(&share.queue)).collect()
    }

    async fn claim(
        &mut self,
        queue: &QueueName,
        at_most: usize,
        idle: &mut Vec<OwnedSemaphorePermit>,
    ) -> Result<usize> {
        let at_most = at_most.min(idle.len());
        let ticket = self.unanswered.remove(queue).unwrap_or_else(|| self.desk.next_ticket());
        let answer = match self.desk.backend.claim(queue, &ticket, at_most).await {
            Ok(answer) => answer,
            Err(error) => {
                self.unanswered.insert(queue.clone(), ticket);
                return Err(error);
            }
        };
        if answer.lease != Lease::Held {
            self.desk.lose(queue, ticket.number - 1);
        }
        let runs = answer.runs.len();
        for claim in answer.runs {
            let token = self.desk.held.take(queue, &claim.id, &claim.token, ticket.number);
            let work = Work { queue: queue.clone(), claim, claimed_at: answer.now, token };
            // A repeated claim answers what it claimed the first time, when more executors may have been idle.
            let permit = match idle.pop() {
                Some(permit) => permit,
                None => self.pool.take_idle(1).await.remove(0),
            };
            self.pool.hand_out(work, permit);
        }
        Ok(runs)
    }

    /// Lets executors come to their end within the grace, then hands back what they did not finish.
    async fn stop(&mut self) {
        let Desk { settings, events, overseer, held, leave, .. } = &*self.desk;
        let grace = settings.grace;
        events.emit(|| Event::OverseerStopping { overseer: overseer.clone(), grace });
        // What is left of the grace when the runs' tokens fire: half for the jobs to notice, half to hand back.
        let farewell = (grace / 5).min(Duration::from_secs(2));
        let drained = async {
            if tokio::time::timeout(grace - farewell, self.pool.drain()).await.is_err() {
                held.cancel_all();
                let _ = tokio::time::timeout(farewell / 2, self.pool.drain()).await;
            }
        };
        leave.run_until_cancelled(drained).await;
        leave.cancel();
        let back = async {
            self.find_unanswered().await;
            for (queue, settlements) in self.desk.held.hand_back() {
                let endings = vec![Ending::HandedBack; settlements.len()];
                settler::settle_queue(&self.desk, &queue, &settlements, &endings).await;
            }
            self.pool.drain().await;
        };
        // Whatever is not handed back in time is taken back by a reaper.
        let _ = tokio::time::timeout((farewell / 2).max(Duration::from_secs(1)), back).await;
    }

    /// Finds out what claims took whose answers were lost.
    async fn find_unanswered(&mut self) {
        for (queue, ticket) in std::mem::take(&mut self.unanswered) {
            // Asking for nothing answers what the first call claimed, and claims nothing.
            let Ok(answer) = self.desk.backend.claim(&queue, &ticket, 0).await else { continue };
            let (settlements, endings): (Vec<_>, Vec<_>) = answer
                .runs
                .into_iter()
                .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::HandBack })
                .map(|settlement| (settlement, Ending::HandedBack))
                .unzip();
            if !settlements.is_empty() {
                settler::settle_queue(&self.desk, &queue, &settlements, &endings).await;
            }
        }
    }
}
