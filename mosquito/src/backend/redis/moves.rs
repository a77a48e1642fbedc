//! The moves and looks of the contract, each a script or one command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ::redis::Value;
use async_trait::async_trait;

use super::Redis;
use super::exchange::sortable;
use super::keys::Key;
use super::replies::{self, Reply};
use crate::backend::{
    BATCH_LIMIT, Backend, Cancelled, Checkup, Claimed, DIED, Durability, Enqueued, LastTick, Lease,
    LimitReport, List, Met, NoteChange, Notebook, Noted, Pause, Paused, Promoted, Rescue, Rescued, Scope,
    Settled, Settlement, Signal, Sizes, StoredRun, Tick, Ticked, Ticket,
};
use crate::clock::{self, Timestamp, millis};
use crate::error::Result;
use crate::flow::{FlowKey, LimitName};
use crate::job_run::NewRun;
use crate::name::{JobName, OverseerId, QueueName, RunId};

#[async_trait]
impl Backend for Redis {
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        self.enqueue_now(queue, runs).await
    }

    async fn enqueue_durably(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        self.enqueue_and_wait(queue, runs, durability).await
    }

    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed> {
        let (_, claimed) = self.exchange(queue, &[], Some((ticket, at_most))).await?;
        claimed.ok_or_else(|| self.connections.explain(replies::unexpected("what was claimed")))
    }

    async fn claimable(&self, queues: &[QueueName]) -> Option<Vec<Result<usize>>> {
        Some(self.count_claimable(queues).await)
    }

    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        Ok(self.exchange(queue, settlements, None).await?.0)
    }

    async fn settle_and_claim(
        &self,
        queue: &QueueName,
        settlements: &[Settlement],
        ticket: &Ticket,
        at_most: usize,
    ) -> Result<(Vec<Settled>, Claimed)> {
        let (settled, claimed) = self.exchange(queue, settlements, Some((ticket, at_most))).await?;
        match claimed {
            Some(claimed) => Ok((settled, claimed)),
            None => Err(self.connections.explain(replies::unexpected("what was claimed"))),
        }
    }

    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted> {
        let keys = [Key::Scheduled, Key::Waiting, Key::Wake];
        let mut call = self.call_flowing(&self.scripts.promote, queue, &keys);
        call.arg(at_most.min(BATCH_LIMIT));
        let (moved, next, woken): (usize, i64, usize) = self.answer(queue, &call).await?;
        Ok(Promoted { moved, woken, next_due: u64::try_from(next).ok().map(Duration::from_millis) })
    }

    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick> {
        self.begun_tick(queue, job).await
    }

    async fn ticked(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>> {
        self.seen_tick(queue, job).await
    }

    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked> {
        self.make_tick(queue, tick).await
    }

    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>> {
        // All at once: they share one connection, and so one round trip.
        let beats = queues.iter().map(|queue| async move {
            let mut call = self.call(&self.scripts.beat, queue, &[Key::Owners]);
            call.arg(overseer.as_str());
            let held: bool = self.answer(queue, &call).await?;
            Ok(if held { Lease::Held } else { Lease::Lost })
        });
        futures_util::future::join_all(beats).await.into_iter().collect()
    }

    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued> {
        let keys = [
            Key::Owners,
            Key::Pending,
            Key::Runs,
            Key::History,
            Key::Waiting,
            Key::Dead,
            Key::Wake,
            Key::Tickets,
            Key::Cancelled,
        ];
        let mut call = self.call_flowing(&self.scripts.rescue, queue, &keys);
        call.arg(millis(rescue.dead_after))
            .arg(rescue.max_crashes)
            .arg(rescue.at_most.min(BATCH_LIMIT))
            .arg(DIED)
            .arg(rescue.not_after.map_or_else(String::new, |time| time.timestamp_millis().to_string()));
        let answer: Value = self.answer(queue, &call).await?;
        let read = || {
            let mut reply = Reply::new(answer)?;
            let (more, rescued, poisoned) = (reply.int()? == 1, reply.ids()?, reply.ids()?);
            let late = Some(reply.int()?).filter(|late| *late != 0).map(clock::from_millis);
            Ok(Rescued { more, rescued, poisoned, late, cancelled: reply.ids()? })
        };
        self.read(read())
    }

    async fn recall(&self, queue: &QueueName, before: &Ticket) -> Result<Vec<RunId>> {
        let keys = [Key::Pending, Key::Waiting, Key::Wake, Key::Runs, Key::History, Key::Cancelled];
        let mut call = self.call_flowing(&self.scripts.recall, queue, &keys);
        call.arg(before.overseer.as_str()).arg(sortable(before.number)).arg(BATCH_LIMIT);
        let answer: Value = self.answer(queue, &call).await?;
        self.read(Reply::new(answer).and_then(Reply::all_ids))
    }

    async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        self.pause_scope(scope, pause).await
    }

    async fn resume(&self, scope: &Scope) -> Result<()> {
        self.resume_scope(scope).await
    }

    async fn paused(&self, scope: &Scope) -> Result<Option<Paused>> {
        self.paused_scope(scope).await
    }

    async fn paused_jobs(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>> {
        self.jobs_paused_in(queue).await
    }

    async fn complete_pause(&self, queues: &[QueueName]) -> Result<Vec<QueueName>> {
        self.tell_of_everything(queues).await
    }

    async fn now(&self) -> Result<Timestamp> {
        self.time().await
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
        let key = self.keys.queues();
        let names =
            ::redis::cmd("SMEMBERS").arg(&key).query_async(&mut self.connections.commands(&key)).await;
        let names: Vec<String> = match names {
            Ok(names) => names,
            Err(error) => return Err(self.explain_global(&key, "set", error).await),
        };
        let mut queues: Vec<_> = names.iter().filter_map(|name| QueueName::new(name).ok()).collect();
        queues.sort();
        Ok(queues)
    }

    async fn sizes(&self, queue: &QueueName) -> Result<Sizes> {
        let mut pipe = ::redis::pipe();
        pipe.atomic()
            .llen(self.keys.of(queue, Key::Waiting))
            .zcard(self.keys.of(queue, Key::Pending))
            .zcard(self.keys.of(queue, Key::Scheduled))
            .zcard(self.keys.of(queue, Key::Dead))
            .zcard(self.keys.of(queue, Key::Lanes));
        let sizes: Result<(usize, usize, usize, usize, usize), _> =
            pipe.query_async(&mut self.commands(queue)).await;
        match sizes {
            Ok((waiting, pending, scheduled, dead, lanes)) => {
                Ok(Sizes { waiting: waiting + lanes, pending, scheduled, dead })
            }
            Err(error) => Err(self.explain(queue, error).await),
        }
    }

    async fn page(
        &self,
        queue: &QueueName,
        list: List,
        offset: usize,
        at_most: usize,
    ) -> Result<Vec<StoredRun>> {
        let key = match list {
            List::Waiting => Key::Waiting,
            List::Pending => Key::Pending,
            List::Scheduled => Key::Scheduled,
            List::Dead => Key::Dead,
        };
        if at_most == 0 {
            return Ok(Vec::new());
        }
        let mut call = self.call(&self.scripts.page, queue, &[key, Key::Runs, Key::History, Key::Lanes]);
        // No list is longer, and the script counts in numbers of 53 bits.
        call.arg(list.to_string()).arg(offset.min(1 << 48)).arg(at_most.min(BATCH_LIMIT));
        let answer: Value = self.answer(queue, &call).await?;
        self.read(replies::page(list, answer))
    }

    async fn find(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>> {
        self.search_one(queue, id).await
    }

    async fn limit(&self, queue: &QueueName, name: &LimitName, key: &FlowKey) -> Result<LimitReport> {
        self.limit_of(queue, name, key).await
    }

    async fn holder(&self, queue: &QueueName, key: &FlowKey) -> Result<Option<RunId>> {
        let mut call = self.call(&self.scripts.holder, queue, &[Key::Unique, Key::Runs]);
        call.arg(key.as_str());
        let holder: Option<Vec<u8>> = self.answer(queue, &call).await?;
        Ok(holder.map(|id| RunId::stored(&String::from_utf8_lossy(&id))))
    }

    async fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        self.cancel_all(queue, ids).await
    }

    async fn cancelled(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>> {
        self.marked(queue, overseer).await
    }

    async fn call(&self, overseer: &OverseerId) -> Result<()> {
        self.call_one(overseer).await
    }

    async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        self.listen_for(overseer, timeout).await
    }

    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool> {
        self.delete_one(queue, id).await
    }

    async fn flush(&self, queue: &QueueName) -> Result<()> {
        let keys = [
            Key::Waiting,
            Key::Pending,
            Key::Scheduled,
            Key::Dead,
            Key::Lanes,
            Key::Ready,
            Key::Blocked,
            Key::Parked,
            Key::Slots,
            Key::Runs,
            Key::History,
            Key::Standing,
            Key::Unique,
            Key::Flows,
            Key::Cancelled,
        ];
        self.answer(queue, &self.call(&self.scripts.flush, queue, &keys)).await
    }

    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize> {
        let mut call =
            self.call(&self.scripts.prune, queue, &[Key::Dead, Key::Runs, Key::History, Key::Flows]);
        call.arg(keep).arg(millis(age)).arg(at_most.min(BATCH_LIMIT));
        self.answer(queue, &call).await
    }

    async fn lead(&self, overseer: &OverseerId, lease: Duration) -> Result<Option<u64>> {
        self.tell_the_time().await?;
        let key = self.keys.leader();
        let mut call = self.scripts.lead.key(&key);
        call.arg(overseer.as_str()).arg(millis(lease));
        let epoch: u64 = match call.invoke_async(&mut self.connections.commands(&key)).await {
            Ok(epoch) => epoch,
            Err(error) => return Err(self.explain_global(&key, "hash", error).await),
        };
        Ok((epoch != 0).then_some(epoch))
    }

    async fn resign(&self, overseer: &OverseerId) -> Result<()> {
        let key = self.keys.leader();
        let mut call = self.scripts.resign.key(&key);
        call.arg(overseer.as_str());
        let answer = call.invoke_async(&mut self.connections.commands(&key)).await;
        self.read(answer)
    }

    async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Result<Option<QueueName>> {
        if queues.is_empty() {
            tokio::time::sleep(timeout).await;
            return Ok(None);
        }
        let key = match signal {
            Signal::Work => Key::Wake,
            Signal::Due => Key::Due,
        };
        let lists: Vec<String> = queues.iter().map(|queue| self.keys.of(queue, key)).collect();
        let popped = match self.connections.pop(&lists, timeout).await {
            Ok(popped) => popped,
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => return Err(self.explain_lists(&lists, error).await),
        };
        Ok(popped
            .and_then(|popped| lists.iter().position(|list| *list == popped))
            .map(|at| queues[at].clone()))
    }

    async fn check(&self) -> Result<Checkup> {
        self.look_around().await
    }

    async fn separate(&self) -> Result<Arc<dyn Backend>> {
        let clock = self.clock.as_ref().map(|own| own.clock.clone());
        Ok(Arc::new(Self::at(self.location.clone(), &self.prefix, clock).await?))
    }
}
