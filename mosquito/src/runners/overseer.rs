//! Claims runs for idle executors, and keeps everything else of its process going.

mod beginning;
mod waiting;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::coordinator::Coordinator;
use super::desk::Desk;
use super::executor::{Executor, Work};
use super::last_chance::is_last_chance;
use super::places::Places;
use super::pool::Pool;
use super::presence::Presence;
use super::queue_list::QueueList;
use super::resting::{Resting, Round};
use super::settler::{self, Ended};
use super::spread::Spread;
use super::tally::Ending;
use super::tuning::Tuning;
use super::{checkup, pulse, reaper};
use crate::backend::{BATCH_LIMIT, Fate, Lease, Settlement, Ticket};
use crate::dequeue::{DequeueAdapter, Share};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::job::panic_message;
use crate::name::QueueName;

/// How long an overseer that leaves waits for its companions.
const LAST_WAIT: Duration = Duration::from_millis(500);

pub(crate) struct Overseer {
    desk: Arc<Desk>,
    queues: Arc<QueueList>,
    adapter: Box<dyn DequeueAdapter>,
    pool: Arc<Pool>,
    ended: Option<mpsc::Receiver<Ended>>,
    /// Claims whose answers were lost, by queue: to be asked again before anything else is claimed.
    unanswered: HashMap<QueueName, Ticket>,
    /// The queues that the adapter ever named.
    planned: BTreeSet<QueueName>,
    /// What a queue with partitions may yet take in this round.
    spread: Spread,
    /// Those out of reach, while others are not.
    resting: Resting,
    /// What is at work, by queue, as some have limits; the store's go over the adapter's.
    places: Places,
    tuning: Arc<Tuning>,
    /// When pauses end by themselves that kept runs from being claimed.
    resuming: HashMap<QueueName, Instant>,
    /// Told when a place is free, when limits are other ones, or when a gate opens or closes.
    changed: Arc<Notify>,
}

impl Overseer {
    pub(crate) fn new(desk: Arc<Desk>, queues: QueueList, adapter: Box<dyn DequeueAdapter>) -> Self {
        let (settler, ended) = settler::channel();
        let pool = Pool::new(desk.clone(), Executor { desk: desk.clone(), settler });
        let (queues, unanswered, planned) = (Arc::new(queues), HashMap::new(), BTreeSet::new());
        let (resting, changed) = (Resting::default(), Arc::<Notify>::default());
        let places = Places::new(changed.clone());
        Self {
            desk,
            queues,
            adapter,
            pool,
            ended: Some(ended),
            unanswered,
            planned,
            spread: Spread::default(),
            resting,
            places,
            tuning: Arc::default(),
            resuming: HashMap::new(),
            changed,
        }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Works until it is told to stop, then drains. An error is one that no patience helps against.
    pub(crate) async fn run(mut self) -> Result<()> {
        let (companions, pulse_done) = (TaskTracker::new(), CancellationToken::new());
        let desk = self.desk.clone();
        // Whoever drops this future, or panics in it, stops everything that was started for it.
        let _stop = (desk.stop.clone().drop_guard(), desk.leave.clone().drop_guard());
        let _pulse_done = pulse_done.clone().drop_guard();
        let presence = Arc::new(Presence::new(desk.clone(), &self.pool, self.queues.clone()));
        pulse::start(desk.clone(), presence.clone(), pulse_done)?;
        let ended = self.ended.take().expect("an overseer runs once");
        let settler = tokio::spawn(settler::settle(desk.clone(), ended));
        self.start(&companions);
        self.hear_operators().await;
        self.pool.want(desk.settings.executors);

        if let Err(error) = self.work().await {
            desk.give_up(error);
        }

        desk.stop.cancel();
        self.stop().await;
        // The settler ends when the last executor is gone, and the overseer's own pool with it.
        drop(self);
        companions.close();
        // They stop by themselves; but one of them may be in a call that a dead connection holds up.
        let _ = tokio::time::timeout(LAST_WAIT, async {
            tokio::join!(settler, companions.wait(), presence.leave())
        })
        .await;
        desk.tally.unsettled(desk.held.len());
        desk.events.emit(|| Event::OverseerStopped { overseer: desk.overseer.clone() });
        desk.fatal().map_or(Ok(()), Err)
    }

    fn start(&self, companions: &TaskTracker) {
        let (overseer, name) = (self.desk.overseer.clone(), self.desk.settings.name.clone());
        let executors = self.desk.settings.executors;
        let queues = self.queues.shown();
        let jobs = self.desk.registry.jobs().iter().map(|job| job.spec.name).collect();
        self.desk.events.emit(|| Event::OverseerStarted { overseer, name, executors, queues, jobs });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move { kept_going(&desk, "queue list", || queues.keep_up(&desk)).await });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move {
            kept_going(&desk, "coordinator", || Coordinator::new(&desk, &queues).run()).await;
        });
        let (desk, queues) = (self.desk.clone(), self.queues.clone());
        companions.spawn(async move { kept_going(&desk, "reaper", || reaper::reap(&desk, &queues)).await });
        for gate in 0..self.queues.gates.len() {
            let (desk, queues, changed) = (self.desk.clone(), self.queues.clone(), self.changed.clone());
            companions.spawn(async move {
                kept_going(&desk, "gate", || queues.gates.keep(gate, &desk, &changed)).await;
            });
        }
        let (desk, tuning, changed) = (self.desk.clone(), self.tuning.clone(), self.changed.clone());
        let pool = Arc::downgrade(&self.pool);
        companions.spawn(async move {
            kept_going(&desk, "tuning", || tuning.follow(&desk, &pool, &changed)).await;
        });
        let desk = self.desk.clone();
        companions.spawn(async move { checkup::look(&desk).await });
    }

    async fn work(&mut self) -> Result<()> {
        let stop = self.desk.stop.clone();
        let mut backoff = Backoff::default();
        let mut woken = None;
        while !stop.is_cancelled() {
            let Some(idle) = stop.run_until_cancelled(self.pool.take_idle(BATCH_LIMIT)).await else { break };
            // An answer that is on its way is not waited for: `find_unanswered` finds what it would have said.
            let dequeued = stop.run_until_cancelled(self.dequeue(idle, woken.take())).await;
            match dequeued {
                None => break,
                Some(Ok(0)) => match stop.run_until_cancelled(self.wait()).await {
                    Some(Ok(queue)) => {
                        woken = queue;
                        backoff.reset();
                    }
                    Some(Err(error)) if error.is_transient() => {
                        self.desk.outage.failed(&error, &self.desk.events);
                        self.desk.rest(backoff.next()).await;
                    }
                    Some(Err(error)) => return Err(error),
                    None => break,
                },
                Some(Ok(_)) => backoff.reset(),
                Some(Err(error)) if error.is_transient() => self.desk.rest(backoff.next()).await,
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Claims along the adapter's plan until the executors are busy; the queue that a signal came from first, and if
    /// it has runs no other, since those were found empty before. Answers how many runs were claimed.
    async fn dequeue(
        &mut self,
        mut idle: Vec<OwnedSemaphorePermit>,
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
        let mut plan = self.plan(idle.len());
        // A stable sort: the others stay in their order.
        plan.sort_by_key(|share| woken.as_ref() != Some(&share.queue));
        for share in plan {
            if idle.is_empty() || round.is_hopeless() {
                break;
            }
            claimed += self.try_share(&share, &mut idle, &mut round).await?;
            if claimed > 0 && woken.as_ref() == Some(&share.queue) {
                break;
            }
        }
        round.end(&mut self.resting)?;
        Ok(claimed)
    }

    /// Claims from a queue, unless it rests. That it is out of reach, when others are not, is no error.
    async fn try_claim(
        &mut self,
        queue: &QueueName,
        at_most: usize,
        idle: &mut Vec<OwnedSemaphorePermit>,
        round: &mut Round<Error>,
    ) -> Result<usize> {
        if self.resting.has(queue) {
            return Ok(0);
        }
        let begin = Instant::now();
        let claimed = self.claim(queue, at_most, idle).await;
        match self.desk.noted(claimed) {
            Ok(claimed) => {
                round.answered();
                self.resting.end(queue);
                Ok(claimed)
            }
            Err(error) if error.is_transient() => {
                round.failed(queue, begin.elapsed(), error);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the adapter, once a round, and remembers which queues it ever named: their signals are waited for.
    fn plan(&mut self, idle: usize) -> Vec<Share> {
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

    async fn claim(
        &mut self,
        queue: &QueueName,
        at_most: usize,
        idle: &mut Vec<OwnedSemaphorePermit>,
    ) -> Result<usize> {
        let at_most = at_most.min(idle.len());
        let ticket = self.unanswered.get(queue).cloned().unwrap_or_else(|| self.desk.next_ticket());
        // Until there is an answer, for whatever reason it does not come.
        self.unanswered.insert(queue.clone(), ticket.clone());
        self.desk.held.asking(queue);
        let answer = self.desk.backend.claim(queue, &ticket, at_most).await?;
        self.unanswered.remove(queue);
        if answer.lease != Lease::Held {
            self.desk.lose(queue, ticket.number - 1);
        }
        self.note_pause(queue, &answer);
        self.desk.expired(queue, answer.expired);
        let runs = answer.runs.len();
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
            match idle.pop() {
                Some(permit) if alone => apart = Some((work, permit)),
                Some(permit) => self.pool.hand_out(work, permit),
                None => self.pool.hand_back(work),
            }
        }
        self.pool.part(queue, put_off, apart);
        self.desk.held.answered(queue);
        Ok(runs)
    }

    /// Lets executors come to their end within the grace, and their settlements be answered, then hands back what they
    /// did not finish.
    async fn stop(&mut self) {
        let (desk, pool) = (self.desk.clone(), self.pool.clone());
        let Desk { settings, events, overseer, held, leave, .. } = &*desk;
        let grace = settings.grace;
        events.emit(|| Event::OverseerStopping { overseer: overseer.clone(), grace });
        // What is left of the grace when the runs' tokens fire: half for the jobs to notice, half to hand back.
        let farewell = (grace / 5).min(Duration::from_secs(2));
        let settled = async {
            pool.drain().await;
            held.until_empty().await;
        };
        let drained = async {
            let done = async { tokio::join!(self.find_unanswered(), settled) };
            if tokio::time::timeout(grace - farewell, done).await.is_err() {
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

/// Has one of the overseer's companions go on, also after a panic: without it due runs, ticks or the runs of the
/// dead would wait for ever.
async fn kept_going<F: Future<Output = ()>>(desk: &Desk, name: &str, go: impl Fn() -> F) {
    while let Err(panic) = AssertUnwindSafe(go()).catch_unwind().await {
        let reason = panic_message(panic);
        tracing::error!(target: "mosquito", companion = name, reason, "panicked, and goes on");
        desk.rest(reaper::around(Duration::from_secs(1))).await;
    }
}
