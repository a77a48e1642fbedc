//! A store that is looked at: each call passes the process's fail point, and what the store answers is written down.
//!
//! What it writes makes the ledger exact where jobs cannot: which claim of a run was settled, and whether that was the latest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use mosquito::backend::{
    Backend, Cancelled, Checkup, ClaimToken, Claimed, Durability, Enqueued, Fate, LastTick, Lease,
    LimitReport, List, Met, NoteChange, Notebook, Noted, Pause, Paused, Promoted, Rescue, Rescued, Scope,
    Settled, Settlement, Signal, Sizes, StoredRun, Tick, Ticked, Ticket,
};
use mosquito::{FlowKey, JobName, LimitName, NewRun, OverseerId, QueueName, Result, RunId, Timestamp};

use crate::fail_points::{Countdown, FailPoint, Operation, Side};
use crate::journal::{Entry, Fact, Journal};

/// Any backend, with a fail point and a journal.
#[derive(Debug)]
pub struct Witness {
    store: Arc<dyn Backend>,
    seen: Arc<Seen>,
}

/// What the handles of one process have in common: beats come over connections of their own.
#[derive(Debug)]
struct Seen {
    journal: Journal,
    countdown: Countdown,
    /// The attempt of each claim that is not settled.
    claims: Mutex<HashMap<ClaimToken, u64>>,
}

impl Witness {
    /// Looks at a store. With a fail point, the process ends there.
    #[must_use]
    pub fn new(store: Arc<dyn Backend>, journal: Journal, point: Option<FailPoint>) -> Self {
        let (countdown, claims) = (Countdown::new(point), Mutex::default());
        Self { store, seen: Arc::new(Seen { journal, countdown, claims }) }
    }

    /// One call: past the point before it, and if it did something, past the one after it.
    async fn pass<T>(
        &self,
        operations: &[Operation],
        call: impl Future<Output = Result<T>>,
        note: impl FnOnce(&T) -> bool,
    ) -> Result<T> {
        let Seen { journal, countdown, .. } = &*self.seen;
        countdown.pass(Side::Before, operations, journal);
        let answer = call.await?;
        if note(&answer) {
            countdown.pass(Side::After, operations, journal);
        }
        Ok(answer)
    }
}

impl Seen {
    fn claimed(&self, claimed: &Claimed) {
        let mut claims = self.lock();
        let claimed_at = u64::try_from(claimed.now.timestamp_millis()).expect("it is later than 1970");
        let entries = claimed.runs.iter().map(|claim| {
            let attempt = u64::from(claim.history.attempts) + 1;
            claims.insert(claim.token.clone(), attempt);
            Entry { at: claimed_at, ..Entry::now(Fact::Claimed, &claim.id, attempt) }
        });
        self.journal.write(entries);
    }

    fn settled(&self, settlements: &[Settlement], answers: &[Settled]) {
        let mut claims = self.lock();
        let entries = settlements.iter().zip(answers).map(|(settlement, answer)| {
            let attempt = claims.remove(&settlement.token).unwrap_or_default();
            let fact = match (answer, &settlement.fate) {
                (Settled::Stale, _) => Fact::Refused,
                (Settled::Done, Fate::Forget) => Fact::Forgotten,
                (Settled::Done, _) => Fact::Moved,
            };
            Entry::now(fact, &settlement.id, attempt)
        });
        self.journal.write(entries);
    }

    fn rescued(&self, rescued: &Rescued) {
        let counts = [(Fact::Rescued, rescued.rescued.len()), (Fact::Poisoned, rescued.poisoned.len())];
        let counts = counts.into_iter().filter(|(_, runs)| *runs > 0);
        self.journal.write(counts.map(|(fact, runs)| Entry::now(fact, "-", runs as u64)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClaimToken, u64>> {
        // Each change is one insertion or removal.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The operations that a batch of settlements is.
fn operations_of(settlements: &[Settlement]) -> Vec<Operation> {
    let fates = settlements.iter().map(|settlement| match settlement.fate {
        Fate::Forget => Operation::Forget,
        Fate::Reschedule { .. } => Operation::Reschedule,
        Fate::Banish { .. } => Operation::Banish,
        Fate::HandBack => Operation::HandBack,
    });
    std::iter::once(Operation::Settle).chain(fates).collect()
}

fn always<T>(_: &T) -> bool {
    true
}

#[async_trait]
impl Backend for Witness {
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>> {
        self.pass(&[Operation::Enqueue], self.store.enqueue(queue, runs), always).await
    }

    async fn enqueue_durably(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        self.pass(&[Operation::Enqueue], self.store.enqueue_durably(queue, runs, durability), always).await
    }

    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed> {
        let note = |claimed: &Claimed| {
            self.seen.claimed(claimed);
            !claimed.runs.is_empty()
        };
        self.pass(&[Operation::Claim], self.store.claim(queue, ticket, at_most), note).await
    }

    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>> {
        let note = |answers: &Vec<Settled>| {
            self.seen.settled(settlements, answers);
            answers.contains(&Settled::Done)
        };
        self.pass(&operations_of(settlements), self.store.settle(queue, settlements), note).await
    }

    async fn claimable(&self, queues: &[QueueName]) -> Option<Vec<Result<usize>>> {
        self.store.claimable(queues).await
    }

    async fn settle_and_claim(
        &self,
        queue: &QueueName,
        settlements: &[Settlement],
        ticket: &Ticket,
        at_most: usize,
    ) -> Result<(Vec<Settled>, Claimed)> {
        let Seen { journal, countdown, .. } = &*self.seen;
        let (settles, claims) = (operations_of(settlements), [Operation::Claim]);
        countdown.pass(Side::Before, &[&settles[..], &claims].concat(), journal);
        let (answers, claimed) = self.store.settle_and_claim(queue, settlements, ticket, at_most).await?;
        self.seen.settled(settlements, &answers);
        self.seen.claimed(&claimed);
        if answers.contains(&Settled::Done) {
            countdown.pass(Side::After, &settles, journal);
        }
        if !claimed.runs.is_empty() {
            countdown.pass(Side::After, &claims, journal);
        }
        Ok((answers, claimed))
    }

    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted> {
        let moved = |promoted: &Promoted| promoted.moved > 0;
        self.pass(&[Operation::Promote], self.store.promote(queue, at_most), moved).await
    }

    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick> {
        self.pass(&[Operation::LastTick], self.store.last_tick(queue, job), always).await
    }

    async fn ticked(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>> {
        self.store.ticked(queue, job).await
    }

    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked> {
        let enqueued = |ticked: &Ticked| match ticked {
            Ticked::Enqueued(id) => {
                self.seen.journal.note(Fact::Enqueued, id, 0_u64);
                true
            }
            Ticked::Passed | Ticked::Stale | Ticked::Early => false,
        };
        self.pass(&[Operation::Tick], self.store.tick(queue, tick), enqueued).await
    }

    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>> {
        self.pass(&[Operation::Beat], self.store.beat(overseer, queues), always).await
    }

    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued> {
        let note = |rescued: &Rescued| {
            self.seen.rescued(rescued);
            rescued.total() > 0
        };
        self.pass(&[Operation::Rescue], self.store.rescue(queue, rescue), note).await
    }

    async fn recall(&self, queue: &QueueName, before: &Ticket) -> Result<Vec<RunId>> {
        let recalled = |runs: &Vec<RunId>| !runs.is_empty();
        self.pass(&[Operation::Recall], self.store.recall(queue, before), recalled).await
    }

    async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        self.store.pause(scope, pause).await
    }

    async fn resume(&self, scope: &Scope) -> Result<()> {
        self.store.resume(scope).await
    }

    async fn paused(&self, scope: &Scope) -> Result<Option<Paused>> {
        self.store.paused(scope).await
    }

    async fn paused_jobs(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>> {
        self.store.paused_jobs(queue).await
    }

    async fn complete_pause(&self, queues: &[QueueName]) -> Result<Vec<QueueName>> {
        self.store.complete_pause(queues).await
    }

    async fn now(&self) -> Result<Timestamp> {
        self.store.now().await
    }

    async fn notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>> {
        self.store.notes(notebook).await
    }

    async fn note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>> {
        self.store.note(notebook, key).await
    }

    async fn change_note(&self, notebook: &Notebook, key: &str, change: &NoteChange) -> Result<Noted> {
        self.store.change_note(notebook, key, change).await
    }

    async fn queues(&self) -> Result<Vec<QueueName>> {
        self.pass(&[Operation::Queues], self.store.queues(), always).await
    }

    async fn sizes(&self, queue: &QueueName) -> Result<Sizes> {
        self.store.sizes(queue).await
    }

    async fn page(
        &self,
        queue: &QueueName,
        list: List,
        offset: usize,
        at_most: usize,
    ) -> Result<Vec<StoredRun>> {
        self.store.page(queue, list, offset, at_most).await
    }

    async fn find(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>> {
        self.store.find(queue, id).await
    }

    async fn limit(&self, queue: &QueueName, name: &LimitName, key: &FlowKey) -> Result<LimitReport> {
        self.store.limit(queue, name, key).await
    }

    async fn holder(&self, queue: &QueueName, key: &FlowKey) -> Result<Option<RunId>> {
        self.store.holder(queue, key).await
    }

    async fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>> {
        self.store.cancel(queue, ids).await
    }

    async fn cancelled(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>> {
        self.store.cancelled(queue, overseer).await
    }

    async fn call(&self, overseer: &OverseerId) -> Result<()> {
        self.store.call(overseer).await
    }

    async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool> {
        self.store.listen(overseer, timeout).await
    }

    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool> {
        self.store.delete(queue, id).await
    }

    async fn flush(&self, queue: &QueueName) -> Result<()> {
        self.store.flush(queue).await
    }

    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize> {
        self.pass(&[Operation::Prune], self.store.prune(queue, keep, age, at_most), always).await
    }

    async fn lead(&self, overseer: &OverseerId, lease: Duration) -> Result<Option<u64>> {
        let leads = |epoch: &Option<u64>| epoch.is_some();
        self.pass(&[Operation::Lead], self.store.lead(overseer, lease), leads).await
    }

    async fn resign(&self, overseer: &OverseerId) -> Result<()> {
        self.pass(&[Operation::Resign], self.store.resign(overseer), always).await
    }

    async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Result<Option<QueueName>> {
        self.pass(&[Operation::Wait], self.store.wait(signal, queues, timeout), always).await
    }

    /// It moves nothing, so nobody is killed by it.
    async fn check(&self) -> Result<Checkup> {
        self.store.check().await
    }

    async fn separate(&self) -> Result<Arc<dyn Backend>> {
        let store = self.pass(&[Operation::Separate], self.store.separate(), always).await?;
        Ok(Arc::new(Self { store, seen: self.seen.clone() }))
    }

    fn dies_with_its_process(&self) -> bool {
        self.store.dies_with_its_process()
    }
}
