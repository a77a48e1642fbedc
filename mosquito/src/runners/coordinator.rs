//! Moves due runs to `waiting` and enqueues periodic jobs, on one overseer at a time.
//!
//! The leader does it for every queue in the store, its own or not. The leadership only saves work: two
//! coordinators at once would move each run, and enqueue each tick, once all the same, since the store decides.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::desk::Desk;
use super::periodic::Periodic;
use super::queue_list::QueueList;
use super::reaper::around;
use super::resting::{Resting, SLOW};
use crate::backend::{BATCH_LIMIT, Signal};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::name::QueueName;

/// How long a leadership lasts that is not renewed, or as long as an overseer is not taken for dead, if that is
/// shorter; it is renewed when a quarter of that is left.
const LEASE: Duration = Duration::from_secs(6);

/// How often every queue is looked at, whatever the signals say.
const SWEEP_EVERY: Duration = Duration::from_secs(20);

/// How often dead runs that are too many or too old are removed; how many and how old that is.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const DEAD_KEPT: usize = 10_000;
const DEAD_KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);

pub(super) struct Coordinator<'a> {
    desk: &'a Desk,
    queues: &'a QueueList,
    periodic: Vec<Periodic>,
    /// When each queue is to be looked at next, and when its dead runs are.
    due: HashMap<QueueName, Instant>,
    prune: HashMap<QueueName, Instant>,
    /// Queues out of reach, while others are not; and those whose ticks could not be enqueued.
    resting: Resting,
    ticks_resting: Resting,
    lease: Duration,
    epoch: u64,
    /// What goes on while it does something else.
    waiting: Option<Waiting>,
}

impl<'a> Coordinator<'a> {
    pub(super) fn new(desk: &'a Desk, queues: &'a QueueList) -> Self {
        let (worked_on, lease) = (queues.now(), LEASE.min(desk.settings.dead_after));
        let jobs = desk.registry.jobs().iter().filter_map(|job| Periodic::of(job));
        let periodic = jobs.filter(|periodic| worked_on.contains(&periodic.queue)).collect();
        Self {
            desk,
            queues,
            periodic,
            due: HashMap::new(),
            prune: HashMap::new(),
            resting: Resting::default(),
            ticks_resting: Resting::default(),
            lease,
            epoch: 0,
            waiting: None,
        }
    }

    /// Coordinates whenever this overseer leads, until it stops.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        while !self.desk.stop.is_cancelled() {
            match self.take_part().await {
                Ok(()) => backoff.reset(),
                Err(error) if error.is_transient() => {
                    self.desk.outage.failed(&error, &self.desk.events);
                    self.desk.rest(backoff.next()).await;
                }
                // Nobody may be left who moves due runs.
                Err(error) => self.desk.give_up(error),
            }
        }
        // Whoever is next need not wait for the lease to run out; if this fails, it does.
        let resigned =
            tokio::time::timeout(Duration::from_secs(1), self.desk.backend.resign(&self.desk.overseer));
        let _ = resigned.await;
    }

    async fn take_part(&mut self) -> Result<()> {
        let begin = Instant::now();
        let mut until = begin + around(self.lease * 2 / 3);
        let led = self.desk.backend.lead(&self.desk.overseer, self.lease).await;
        let (leads, epoch) = match self.desk.noted(led) {
            Ok(epoch) => (epoch.is_some(), epoch),
            // Who leads is written where nobody gets at it now, in another server of a cluster than the queues, it may be.
            // Then whoever can does the work, as the store decides all the same.
            Err(error) if error.is_transient() => {
                // At least for as long as it took to find that out.
                until = Instant::now() + around(self.lease * 2 / 3).max(begin.elapsed());
                (true, None)
            }
            Err(error) => return Err(error),
        };
        if let Some(epoch) = epoch.filter(|epoch| *epoch != self.epoch) {
            let overseer = self.desk.overseer.clone();
            self.desk.events.emit(|| Event::Leading { overseer, epoch });
            // Another leader may have moved on from where this one stood before.
            self.due.clear();
            self.periodic.iter_mut().for_each(|periodic| periodic.due = Instant::now());
        }
        if epoch.is_some() {
            self.desk.outage.wrote();
        }
        self.epoch = epoch.unwrap_or_default();
        if !leads {
            // A signal that it takes would be one that the leader does not get.
            self.waiting = None;
        }
        while Instant::now() < until && !self.desk.stop.is_cancelled() {
            if leads {
                self.look_at_queues().await?;
            }
            self.look_after_ticks(leads).await?;
            if leads {
                until = self.wait_for_due_runs(until).await?;
            } else {
                self.desk.rest_until(self.next_tick().unwrap_or(until).min(until)).await;
            }
        }
        Ok(())
    }

    /// Enqueues the ticks that are due. Those of a queue that is out of reach hold up no others.
    async fn look_after_ticks(&mut self, leads: bool) -> Result<()> {
        for periodic in &mut self.periodic {
            if periodic.due > Instant::now() || self.ticks_resting.has(&periodic.queue) {
                continue;
            }
            let begin = Instant::now();
            match self.desk.noted(periodic.look_after(self.desk, leads).await) {
                Ok(()) => self.ticks_resting.end(&periodic.queue),
                Err(error) if error.is_transient() => {
                    self.ticks_resting.begin(periodic.queue.clone(), begin.elapsed());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn next_tick(&self) -> Option<Instant> {
        let ready = self.periodic.iter().filter(|periodic| !self.ticks_resting.has(&periodic.queue));
        ready.map(|periodic| periodic.due).chain(self.ticks_resting.next()).min()
    }

    /// One step for each queue where one is due; what is left comes in the next round. A queue that is out of reach rests,
    /// and holds up no other.
    async fn look_at_queues(&mut self) -> Result<()> {
        for queue in &*self.queues.everywhere() {
            if self.resting.has(queue) {
                continue;
            }
            let begin = Instant::now();
            match self.look_at(queue).await {
                Ok(()) => self.resting.end(queue),
                Err(error) if error.is_transient() => {
                    self.resting.begin(queue.clone(), begin.elapsed());
                    if begin.elapsed() >= SLOW {
                        // Others may be as slow: they come in the next round, if this overseer still leads.
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn look_at(&mut self, queue: &QueueName) -> Result<()> {
        let is_due =
            |when: &HashMap<QueueName, Instant>| when.get(queue).is_none_or(|due| *due <= Instant::now());
        let (promotion_is_due, prune_is_due) = (is_due(&self.due), is_due(&self.prune));
        if promotion_is_due {
            let next = of_one_queue(self.desk, queue, promote(self.desk, queue).await)?;
            self.due.insert(queue.clone(), Instant::now() + next);
        }
        if prune_is_due {
            let next = of_one_queue(self.desk, queue, prune(self.desk, queue).await)?;
            self.prune.insert(queue.clone(), Instant::now() + next);
        }
        Ok(())
    }

    /// Waits until something is due, or this overseer does not lead any more. Answers until when it leads by then.
    ///
    /// Its own clock says when that is: a server's blocking commands end up to a tenth of a second late. And neither that nor what it renews
    /// meanwhile ends the wait for a signal, since to begin another costs a command.
    async fn wait_for_due_runs(&mut self, mut until: Instant) -> Result<Instant> {
        let due = self.due.iter().chain(&self.prune).filter(|(queue, _)| !self.resting.has(queue));
        let next = due.map(|(_, due)| *due).chain(self.resting.next()).chain(self.next_tick()).min();
        let next = next.unwrap_or(until);
        if next <= Instant::now() {
            return Ok(until);
        }
        let (desk, queues) = (self.desk, self.queues.everywhere());
        let mut waiting = match self.waiting.take().filter(|waiting| waiting.queues == queues) {
            Some(waiting) => waiting,
            None => Waiting::begin(desk, queues),
        };
        loop {
            tokio::select! {
                signal = &mut waiting.signal => {
                    match signal {
                        Ok(Some(queue)) => drop(self.due.remove(&queue)),
                        Ok(None) => (),
                        Err(error) => {
                            // It may have taken a signal.
                            self.due.clear();
                            return Err(error);
                        }
                    }
                    return Ok(until);
                }
                () = tokio::time::sleep_until(next) => break,
                () = desk.stop.cancelled() => break,
                () = tokio::time::sleep_until(until) => {
                    let begin = Instant::now();
                    // Otherwise somebody else may lead, or nobody knows who does.
                    if self.epoch == 0 || desk.backend.lead(&desk.overseer, self.lease).await? != Some(self.epoch) {
                        break;
                    }
                    until = begin + self.lease * 3 / 4;
                    desk.outage.wrote();
                    // There are others, whose signals it does not hear.
                    if self.queues.everywhere() != waiting.queues {
                        break;
                    }
                }
            }
        }
        self.waiting = Some(waiting);
        Ok(until)
    }
}

/// What is wrong with one queue for good must not hold up the others.
fn of_one_queue(desk: &Desk, queue: &QueueName, next: Result<Duration>) -> Result<Duration> {
    match next {
        Err(error) if !error.is_transient() && !matches!(error, Error::Denied { .. }) => {
            tracing::error!(target: "mosquito", %queue, ?error, "a queue cannot be coordinated");
            Ok(SWEEP_EVERY)
        }
        next => desk.noted(next),
    }
}

/// Answers how long until the next one is due: zero when more were due than one call moves.
async fn promote(desk: &Desk, queue: &QueueName) -> Result<Duration> {
    let promoted = desk.backend.promote(queue, BATCH_LIMIT).await?;
    if promoted.moved > 0 {
        desk.events.emit(|| Event::Promoted { queue: queue.clone(), runs: promoted.moved });
    }
    Ok(promoted.next_due.unwrap_or(SWEEP_EVERY).min(SWEEP_EVERY))
}

async fn prune(desk: &Desk, queue: &QueueName) -> Result<Duration> {
    let pruned = desk.backend.prune(queue, DEAD_KEPT, DEAD_KEPT_FOR, BATCH_LIMIT).await?;
    Ok(if pruned == BATCH_LIMIT { Duration::ZERO } else { PRUNE_EVERY })
}

/// A wait for the signal that something may be due before all else.
struct Waiting {
    queues: Arc<[QueueName]>,
    signal: BoxFuture<'static, Result<Option<QueueName>>>,
}

impl Waiting {
    fn begin(desk: &Desk, queues: Arc<[QueueName]>) -> Self {
        let (backend, those) = (desk.backend.clone(), queues.clone());
        let signal = async move { backend.wait(Signal::Due, &those, around(SWEEP_EVERY)).await }.boxed();
        Self { queues, signal }
    }
}
