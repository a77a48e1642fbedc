//! Queues in this process's memory: for tests, documentation, and work that may die with the process.
//!
//! Every move is a method of the model in `queue.rs`, performed under one lock. The other backends are
//! compared with it.

#[cfg(feature = "testing")]
mod checkpoint;
mod queue;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::doorbell::Doorbell;
use crate::backend::{
    BATCH_LIMIT, Backend, Cancelled, Claimed, Durability, Enqueued, LastTick, Lease, LimitReport, List, Met,
    NOTES_LIMIT, NoteChange, Notebook, Noted, Pause, Paused, Promoted, Rescue, Rescued, Scope, Settled,
    Settlement, Signal, Sizes, StoredRun, Tick, Ticked, Ticket, changed,
};
use crate::clock::{self, Clock, Timestamp};
use crate::error::Result;
use crate::flow::{FlowKey, LimitName};
use crate::job_run::NewRun;
use crate::name::{JobName, OverseerId, QueueName, RunId};
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use checkpoint::Checkpoint;
use queue::Queue;

/// Queues in this process's memory. A clone is on the same store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// use std::sync::Arc;
/// use mosquito::{Mosquito, backend::memory::Memory};
///
/// let mosquito = Mosquito::new(Arc::new(Memory::new()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Memory {
    clock: Clock,
    doorbell: Arc<Doorbell>,
    store: Arc<Mutex<Store>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Store {
    queues: BTreeMap<QueueName, Queue>,
    /// The pause of everything, which each queue has as well.
    everything: Option<Paused>,
    notes: BTreeMap<Notebook, BTreeMap<String, String>>,
    leader: Leader,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Leader {
    overseer: Option<OverseerId>,
    until: Timestamp,
    epoch: u64,
}

impl Memory {
    /// An empty store on tokio's clock, which tests can pause and advance.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Clock::tokio())
    }

    /// An empty store on a clock of one's own.
    #[must_use]
    pub fn with_clock(clock: Clock) -> Self {
        Self { clock, doorbell: Arc::default(), store: Arc::default() }
    }

    /// One move on one queue, and the rings that it gives reason for.
    fn on<T>(&self, name: &QueueName, act: impl FnOnce(&mut Queue, Timestamp) -> T) -> T {
        let mut store = self.lock();
        let Store { queues, everything, .. } = &mut *store;
        let queue = queues.entry(name.clone()).or_insert_with(|| Queue::held_by(everything.clone()));
        let due_before = queue.first_due();
        let done = act(queue, self.clock.now());
        if queue.has_work(self.clock.now()) {
            self.doorbell.ring(Signal::Work, name);
        }
        if queue.first_due().is_some_and(|due| due_before.is_none_or(|before| due < before)) {
            self.doorbell.ring(Signal::Due, name);
        }
        done
    }

    /// One act on a queue, or on every queue and first on the store; each rings that says so.
    fn on_each(&self, scope: &Scope, on_store: impl FnOnce(&mut Store), act: impl Fn(&mut Queue) -> bool) {
        let mut store = self.lock();
        let on = |name: &QueueName, queue: &mut Queue| {
            if act(queue) {
                self.doorbell.ring(Signal::Work, name);
            }
        };
        match scope {
            Scope::Queue(name) | Scope::Job(name, _) => {
                let everything = store.everything.clone();
                on(name, store.queues.entry(name.clone()).or_insert_with(|| Queue::held_by(everything)));
            }
            Scope::Everything => {
                on_store(&mut store);
                store.queues.iter_mut().for_each(|(name, queue)| on(name, queue));
            }
        }
    }

    /// A look at one queue, which need not exist.
    fn look<T: Default>(&self, name: &QueueName, look: impl FnOnce(&Queue, Timestamp) -> T) -> T {
        self.lock().queues.get(name).map(|queue| look(queue, self.clock.now())).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // No move panics half way; and a poisoned store would lose every run there is.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Backend for Memory {
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        Ok(self.on(queue, |queue, now| runs.iter().map(|run| queue.enqueue(run, now)).collect()))
    }

    async fn enqueue_durably(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let enqueued = self.enqueue(queue, runs).await?;
        Ok((
            enqueued,
            match durability {
                Durability::Memory | Durability::Replicas(0, _) => Met::fully(durability),
                _ => Met::short_of(durability, "it is this process's memory"),
            },
        ))
    }

    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed> {
        Ok(self.on(queue, |queue, now| queue.claim(ticket, at_most.min(BATCH_LIMIT), now)))
    }

    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        Ok(self.on(queue, |queue, now| queue.settle(settlements, now)))
    }

    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted> {
        Ok(self.on(queue, |queue, now| queue.promote(at_most.min(BATCH_LIMIT), now)))
    }

    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick> {
        Ok(self.on(queue, |queue, now| queue.last_tick(job, now)))
    }

    async fn ticked(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>> {
        Ok(self.look(queue, |queue, _| queue.ticked(job)))
    }

    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked> {
        Ok(self.on(queue, |queue, now| queue.tick(tick, now)))
    }

    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>> {
        Ok(queues.iter().map(|queue| self.on(queue, |queue, now| queue.beat(overseer, now))).collect())
    }

    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued> {
        let rescue = Rescue { at_most: rescue.at_most.min(BATCH_LIMIT), ..*rescue };
        Ok(self.on(queue, |queue, now| queue.rescue(&rescue, now)))
    }

    async fn recall(&self, queue: &QueueName, before: &Ticket) -> Result<Vec<RunId>> {
        Ok(self.on(queue, |queue, _| queue.recall(before)))
    }

    async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        let paused = Paused::begin(pause, scope, self.clock.now());
        if let Scope::Job(queue, job) = scope {
            self.on(queue, |queue, _| queue.pause_job(job, paused));
            return Ok(());
        }
        self.on_each(
            scope,
            |store| store.everything = Some(paused.clone()),
            |queue| {
                queue.pause(paused.clone());
                // Whoever waits there is to learn when to look again.
                pause.duration().is_some()
            },
        );
        Ok(())
    }

    async fn resume(&self, scope: &Scope) -> Result<()> {
        let now = self.clock.now();
        self.on_each(
            scope,
            |store| store.everything = None,
            |queue| {
                queue.resume(scope, now);
                queue.has_work(now)
            },
        );
        Ok(())
    }

    async fn paused(&self, scope: &Scope) -> Result<Option<Paused>> {
        if let Scope::Job(queue, job) = scope {
            return Ok(self.paused_jobs(queue).await?.remove(job));
        }
        let (store, now) = (self.lock(), self.clock.now());
        let everything = || store.everything.clone().filter(|paused| paused.lasts(now));
        let queue = scope.queue().and_then(|queue| store.queues.get(queue));
        Ok(queue.map_or_else(everything, |queue| queue.paused(now)))
    }

    async fn paused_jobs(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>> {
        Ok(self.look(queue, |queue, now| queue.paused_jobs(now)))
    }

    async fn now(&self) -> Result<Timestamp> {
        Ok(self.clock.now())
    }

    async fn notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>> {
        Ok(self.lock().notes.get(notebook).cloned().unwrap_or_default())
    }

    async fn note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>> {
        Ok(self.lock().notes.get(notebook).and_then(|notes| notes.get(key)).cloned())
    }

    async fn change_note(&self, notebook: &Notebook, key: &str, change: &NoteChange) -> Result<Noted> {
        let mut store = self.lock();
        let notes = store.notes.entry(notebook.clone()).or_default();
        let noted = changed(change, notes.get(key).cloned(), notes.len() < NOTES_LIMIT);
        match &noted {
            Noted::Done { now: Some(text), .. } => drop(notes.insert(key.into(), text.clone())),
            Noted::Done { now: None, .. } => drop(notes.remove(key)),
            _ => (),
        }
        Ok(noted)
    }

    async fn queues(&self) -> Result<Vec<QueueName>> {
        Ok(self
            .lock()
            .queues
            .iter()
            .filter(|(_, queue)| queue.was_used())
            .map(|(name, _)| name.clone())
            .collect())
    }

    async fn sizes(&self, queue: &QueueName) -> Result<Sizes> {
        Ok(self.look(queue, |queue, _| queue.sizes()))
    }

    async fn page(
        &self,
        queue: &QueueName,
        list: List,
        offset: usize,
        at_most: usize,
    ) -> Result<Vec<StoredRun>> {
        Ok(self.look(queue, |queue, _| queue.page(list, offset, at_most.min(BATCH_LIMIT))))
    }

    async fn find(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>> {
        Ok(self.look(queue, |queue, _| queue.find(id)))
    }

    async fn limit(&self, queue: &QueueName, name: &LimitName, key: &FlowKey) -> Result<LimitReport> {
        Ok(self.look(queue, |queue, now| queue.limit(name, key, now)))
    }

    async fn holder(&self, queue: &QueueName, key: &FlowKey) -> Result<Option<RunId>> {
        Ok(self.look(queue, |queue, now| queue.holder(key, now)))
    }

    async fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        let answers: Vec<_> = self.on(queue, |queue, _| ids.iter().map(|id| queue.cancel(id)).collect());
        answers.iter().filter_map(Cancelled::overseer).for_each(|overseer| self.doorbell.call(overseer));
        Ok(answers)
    }

    async fn cancelled(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>> {
        Ok(self.look(queue, |queue, _| queue.cancelled(overseer)))
    }

    async fn call(&self, overseer: &OverseerId) -> Result<()> {
        self.doorbell.call(overseer);
        Ok(())
    }

    async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        Ok(self.doorbell.listen(overseer, timeout).await)
    }

    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool> {
        Ok(self.on(queue, |queue, _| queue.delete(id)))
    }

    async fn flush(&self, queue: &QueueName) -> Result<()> {
        self.on(queue, |queue, _| queue.flush());
        Ok(())
    }

    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize> {
        Ok(self.on(queue, |queue, now| queue.prune(keep, age, at_most.min(BATCH_LIMIT), now)))
    }

    async fn lead(&self, overseer: &OverseerId, lease: Duration) -> Result<Option<u64>> {
        let now = self.clock.now();
        let leader = &mut self.lock().leader;
        if leader.overseer.as_ref() != Some(overseer) {
            if leader.overseer.is_some() && now < leader.until {
                leader.until = leader.until.min(clock::after(now, lease));
                return Ok(None);
            }
            leader.overseer = Some(overseer.clone());
            leader.epoch += 1;
        }
        leader.until = clock::after(now, lease);
        Ok(Some(leader.epoch))
    }

    async fn resign(&self, overseer: &OverseerId) -> Result<()> {
        let leader = &mut self.lock().leader;
        if leader.overseer.as_ref() == Some(overseer) {
            leader.overseer = None;
        }
        Ok(())
    }

    async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Result<Option<QueueName>> {
        Ok(self.doorbell.wait(signal, queues, timeout).await)
    }

    async fn separate(&self) -> Result<Arc<dyn Backend>> {
        Ok(Arc::new(self.clone()))
    }

    fn dies_with_its_process(&self) -> bool {
        true
    }
}
