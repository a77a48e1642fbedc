//! The moves and looks of the contract, each one call of the thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::call::Kind;
use super::flush::Flush;
use super::queue::Queue;
use super::signals::noting;
use super::{Sqlite, checkup, leases, queue};
use crate::backend::doorbell::Bell;
use crate::backend::{
    BATCH_LIMIT, Backend, Cancelled, Checkup, Claimed, Durability, Enqueued, LastTick, Lease, LimitReport,
    List, Met, NoteChange, Notebook, Noted, Pause, Paused, Promoted, Rescue, Rescued, Scope, Settled,
    Settlement, Signal, Sizes, StoredRun, Tick, Ticked, Ticket,
};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::flow::{FlowKey, LimitName};
use crate::job_run::NewRun;
use crate::name::{JobName, OverseerId, QueueName, RunId};

#[async_trait]
impl Backend for Sqlite {
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        let runs = runs.to_vec();
        self.on(Kind::Keep, queue, move |queue| queue.enqueue(&runs)).await
    }

    async fn enqueue_durably(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        // Synced by its commit (`Kind::Keep`), as that of a duplicate was.
        let enqueued = self.enqueue(queue, runs).await?;
        Ok((
            enqueued,
            match durability {
                Durability::Replicas(1.., _) => Met::short_of(durability, "a file has no replicas"),
                _ => Met::fully(durability),
            },
        ))
    }

    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed> {
        let ticket = ticket.clone();
        self.on(Kind::Move, queue, move |queue| queue.claim(&ticket, at_most.min(BATCH_LIMIT))).await
    }

    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let settlements = settlements.to_vec();
        self.on(Kind::Move, queue, move |queue| queue.settle(&settlements)).await
    }

    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted> {
        let signals = self.signals.clone();
        self.on(Kind::Move, queue, move |queue| {
            let promoted = queue.promote(at_most.min(BATCH_LIMIT))?;
            signals.tell_due(queue.name, queue.first_due()?);
            Ok(promoted)
        })
        .await
    }

    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick> {
        let job = job.clone();
        self.on(Kind::Keep, queue, move |queue| queue.last_tick(&job)).await
    }

    async fn ticked(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>> {
        let job = job.clone();
        self.on(Kind::Look, queue, move |queue| queue.ticked(&job)).await
    }

    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked> {
        let tick = tick.clone();
        self.on(Kind::Keep, queue, move |queue| queue.tick(&tick)).await
    }

    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>> {
        let (overseer, names, clock) = (overseer.clone(), queues.to_vec(), self.clock.clone());
        self.thread
            .call(Kind::Move, move |connection, rings| {
                let now = clock.now();
                let beat = |name| {
                    noting(&Queue::within(connection, name, now), rings, |queue| queue.beat(&overseer))
                };
                names.iter().map(beat).collect()
            })
            .await
    }

    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued> {
        let rescue = *rescue;
        self.on(Kind::Move, queue, move |queue| queue.rescue(&rescue)).await
    }

    async fn recall(&self, queue: &QueueName, before: &Ticket) -> Result<Vec<RunId>> {
        let before = before.clone();
        self.on(Kind::Move, queue, move |queue| queue.recall(&before)).await
    }

    async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        self.pause_all_of(scope, pause).await
    }

    async fn resume(&self, scope: &Scope) -> Result<()> {
        self.resume_all_of(scope).await
    }

    async fn paused(&self, scope: &Scope) -> Result<Option<Paused>> {
        self.look_for_pause(scope).await
    }

    async fn paused_jobs(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>> {
        self.look(queue, |queue| queue.paused_jobs()).await
    }

    async fn now(&self) -> Result<Timestamp> {
        Ok(self.clock.now())
    }

    async fn notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>> {
        self.all_notes(notebook).await
    }

    async fn note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>> {
        self.one_note(notebook, key).await
    }

    async fn change_note(&self, notebook: &Notebook, key: &str, change: &NoteChange) -> Result<Noted> {
        self.note_down(notebook, key, change).await
    }

    async fn queues(&self) -> Result<Vec<QueueName>> {
        self.thread.call(Kind::Look, |connection, _| queue::queues(connection)).await
    }

    async fn sizes(&self, queue: &QueueName) -> Result<Sizes> {
        self.look(queue, |queue| queue.sizes()).await
    }

    async fn page(
        &self,
        queue: &QueueName,
        list: List,
        offset: usize,
        at_most: usize,
    ) -> Result<Vec<StoredRun>> {
        self.look(queue, move |queue| queue.page(list, offset, at_most.min(BATCH_LIMIT))).await
    }

    async fn find(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>> {
        let id = id.clone();
        self.look(queue, move |queue| queue.find(&id)).await
    }

    async fn limit(&self, queue: &QueueName, name: &LimitName, key: &FlowKey) -> Result<LimitReport> {
        let (name, key) = (name.clone(), key.clone());
        self.look(queue, move |queue| queue.limit(&name, &key)).await
    }

    async fn holder(&self, queue: &QueueName, key: &FlowKey) -> Result<Option<RunId>> {
        let key = key.clone();
        self.look(queue, move |queue| queue.holder(key.as_str())).await
    }

    async fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        self.cancel_all(queue, ids).await
    }

    async fn cancelled(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>> {
        let overseer = overseer.clone();
        self.look(queue, move |queue| queue.cancelled(&overseer)).await
    }

    async fn call(&self, overseer: &OverseerId) -> Result<()> {
        self.call_one(overseer).await
    }

    async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        self.listen_for(overseer, timeout).await
    }

    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool> {
        let id = id.clone();
        self.on(Kind::Keep, queue, move |queue| queue.delete(&id)).await
    }

    async fn flush(&self, queue: &QueueName) -> Result<()> {
        let (name, clock) = (queue.clone(), self.clock.clone());
        let mut flush = Flush::default();
        self.thread
            .call_in_steps(Kind::Keep, move |connection, rings| {
                let queue = Queue::within(connection, &name, clock.now());
                noting(&queue, rings, |queue| flush.step(queue))
            })
            .await
    }

    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize> {
        self.on(Kind::Move, queue, move |queue| queue.prune(keep, age, at_most.min(BATCH_LIMIT))).await
    }

    async fn lead(&self, overseer: &OverseerId, lease: Duration) -> Result<Option<u64>> {
        let (overseer, clock) = (overseer.clone(), self.clock.clone());
        self.thread
            .call(Kind::Move, move |connection, _| leases::lead(connection, &overseer, lease, clock.now()))
            .await
    }

    async fn resign(&self, overseer: &OverseerId) -> Result<()> {
        let overseer = overseer.clone();
        self.thread.call(Kind::Move, move |connection, _| leases::resign(connection, &overseer)).await
    }

    async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Result<Option<QueueName>> {
        let _waiting = self.waits.enter(queues.iter().map(|queue| Bell::Of(signal, queue.clone())));
        tokio::select! {
            rung = self.signals.doorbell.wait(signal, queues, timeout) => Ok(rung),
            error = self.watched() => Err(error),
        }
    }

    async fn check(&self) -> Result<Checkup> {
        Ok(checkup::look_around(&self.path))
    }

    async fn separate(&self) -> Result<Arc<dyn Backend>> {
        let separate = Self::connect(self.path.clone(), self.clock.clone(), self.signals.clone()).await?;
        Ok(Arc::new(separate))
    }
}
