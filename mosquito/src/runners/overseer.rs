//! Claims runs for idle executors, and keeps everything else of its process going.

mod beginning;
mod dequeuing;
mod next;
mod stopping;
mod waiting;

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::next::{Arrived, Begun};
use super::ahead::Ahead;
use super::backoff::Backoff;
use super::coordinator::Coordinator;
use super::desk::Desk;
use super::executor::Executor;
use super::outbox::Outbox;
use super::places::Places;
use super::pool::Pool;
use super::presence::Presence;
use super::queue_list::QueueList;
use super::resting::Resting;
use super::settler;
use super::spread::Spread;
use super::tuning::Tuning;
use super::{checkup, pulse, reaper};
use crate::backend::{BATCH_LIMIT, Ticket};
use crate::dequeue::DequeueAdapter;
use crate::error::Result;
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
    outbox: Arc<Outbox>,
    ahead: Ahead,
    /// Claims whose answers were lost, by queue: to be asked again before anything else is claimed.
    unanswered: HashMap<QueueName, Ticket>,
    /// The next round, when its first claim is on its way already.
    begun: Option<Begun>,
    /// An answer that is not yet taken in.
    arrived: Option<Arrived>,
    /// The queues that the adapter ever named.
    planned: BTreeSet<QueueName>,
    /// What a queue with partitions may yet take in this round.
    spread: Spread,
    /// Those out of reach, while others are not.
    resting: Resting,
    /// What is at work, by queue, as some have limits; the store's go over the adapter's.
    places: Places,
    tuning: Arc<Tuning>,
    /// How many runs stood in queues when it looked for lost signals, and that it could not claim.
    fruitless: HashMap<QueueName, usize>,
    /// When pauses end by themselves that kept runs from being claimed.
    resuming: HashMap<QueueName, Instant>,
    /// Told when a place is free, when limits are other ones, or when a gate opens or closes.
    changed: Arc<Notify>,
}

impl Overseer {
    pub(crate) fn new(desk: Arc<Desk>, queues: QueueList, adapter: Box<dyn DequeueAdapter>) -> Self {
        let outbox = Arc::<Outbox>::default();
        let pool = Pool::new(desk.clone(), Executor { desk: desk.clone(), outbox: outbox.clone() });
        let (queues, unanswered, planned) = (Arc::new(queues), HashMap::new(), BTreeSet::new());
        let (resting, changed) = (Resting::default(), Arc::<Notify>::default());
        let places = Places::new(changed.clone());
        Self {
            desk,
            queues,
            adapter,
            pool,
            outbox,
            ahead: Ahead::new(),
            unanswered,
            begun: None,
            arrived: None,
            planned,
            spread: Spread::default(),
            resting,
            places,
            tuning: Arc::default(),
            fruitless: HashMap::new(),
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
        let closing = self.outbox.close_in_the_end();
        // Before that: nothing is begun that nobody would write down.
        let _hold = self.pool.hold_in_the_end();
        let settler = tokio::spawn(settler::settle(desk.clone(), self.outbox.clone()));
        self.start(&companions);
        self.hear_operators().await;
        self.pool.begin(&companions);
        self.pool.want(desk.settings.executors);

        if let Err(error) = self.work().await {
            desk.give_up(error);
        }

        desk.stop.cancel();
        self.stop().await;
        // The settler ends with what is left.
        drop(closing);
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
        let (desk, queues, changed) = (self.desk.clone(), self.queues.clone(), self.changed.clone());
        companions
            .spawn(async move { kept_going(&desk, "queue list", || queues.keep_up(&desk, &changed)).await });
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
            let round = async {
                if self.begun.is_some() {
                    self.outbox.waits_for_claims(true);
                    return self.go_on().await;
                }
                let idle = self.take_idle().await;
                self.outbox.waits_for_claims(true);
                self.dequeue(idle, woken.take()).await
            };
            // An answer that is on its way is not waited for: `find_unanswered` finds what it would have said.
            let dequeued = stop.run_until_cancelled(round).await;
            match dequeued {
                None => break,
                Some(Ok(0)) if self.begun.is_none() => {
                    self.outbox.waits_for_claims(false);
                    match stop.run_until_cancelled(self.wait()).await {
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
                    }
                }
                Some(Ok(_)) => backoff.reset(),
                Some(Err(error)) if error.is_transient() => {
                    self.outbox.waits_for_claims(false);
                    self.desk.rest(backoff.next()).await;
                }
                Some(Err(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sees to how many runs are claimed ahead, and hands back what executors do not come to.
    fn look_ahead(&mut self) {
        if let Some(look) = self.ahead.look(self.outbox.performed(), self.pool.size(), self.pool.backlog()) {
            self.pool.claim_ahead(look.runs);
            if look.hands_back {
                self.pool.hand_backlog_back();
            }
        }
    }

    /// Waits for idle executors, or for room to claim ahead.
    async fn take_idle(&mut self) -> OwnedSemaphorePermit {
        loop {
            self.look_ahead();
            tokio::select! {
                biased;
                idle = self.pool.take_idle(BATCH_LIMIT) => return idle,
                () = tokio::time::sleep_until(self.ahead.next()), if self.pool.backlog() > 0 => (),
            }
        }
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
