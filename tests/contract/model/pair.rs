//! A store and its model, side by side: each call goes to both, and both must answer the same.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use mosquito::backend::memory::Memory;
use mosquito::backend::{
    Backend, Cancelled, Claim, Claimed, Enqueued, Fate, Lease, List, NoteChange, Notebook, Noted, Pause,
    Paused, Rescue, Scope, Settled, Settlement, StoredRun, Tick, Ticked, Ticket,
};
use mosquito::{Clock, History, JobName, NewRun, OverseerId, QueueName, RunId, Timestamp};

use super::flows::{self, KEYS, LIMITS, UNIQUE, limit};
use crate::store::Store;

/// The two, and what is known about the time.
pub(super) struct Pair<'a> {
    store: &'a Store,
    model: Memory,
    queue: QueueName,
    clock: Clock,
    /// What was done so far, to be shown when something differs.
    log: Vec<String>,
}

/// One claim as each of the two handed it out.
#[derive(Clone, Debug)]
pub(super) struct TwinClaim {
    store: Claim,
    model: Claim,
}

impl TwinClaim {
    pub(super) fn id(&self) -> &RunId {
        &self.store.id
    }

    pub(super) fn attempts(&self) -> u32 {
        self.store.history.attempts
    }

    pub(super) fn history(&self) -> &History {
        &self.store.history
    }
}

impl<'a> Pair<'a> {
    pub(super) fn new(store: &'a Store, queue: QueueName) -> Self {
        let clock = store.clock().cloned().unwrap_or_else(Clock::manual);
        Self { store, model: Memory::with_clock(clock.clone()), queue, clock, log: Vec::new() }
    }

    /// Whether the store is on the test's clock, so that times can be compared.
    pub(super) fn shares_its_clock(&self) -> bool {
        self.store.clock().is_some()
    }

    /// The queue that all this is about.
    pub(super) fn queue(&self) -> &QueueName {
        &self.queue
    }

    /// The time by the model's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass on the test's clock.
    pub(super) fn step(&self, milliseconds: i64) {
        self.clock.step(milliseconds);
    }

    /// Either handle of the store, by turns.
    fn backend(&self) -> &Arc<dyn Backend> {
        if self.log.len().is_multiple_of(3) { self.store.second() } else { self.store.backend() }
    }

    pub(super) async fn enqueue(&mut self, runs: &[NewRun]) -> Vec<Enqueued> {
        let named: Vec<_> = runs.iter().map(|run| (&run.id, run.when, &run.flow)).collect();
        self.note(format!("enqueue {named:?}"));
        let store = self.backend().enqueue(&self.queue, runs).await.expect("it is answered");
        let model = self.model.enqueue(&self.queue, runs).await.expect("it is answered");
        self.same(store, model)
    }

    /// Claims from both. A claim whose ticket was used before is to be answered as it was then.
    /// Answers the lease, what was claimed, and how many runs had waited too long.
    pub(super) async fn claim(&mut self, ticket: &Ticket, at_most: usize) -> (Lease, Vec<TwinClaim>, usize) {
        self.note(format!("claim {at_most} with {ticket:?}"));
        let store = self.backend().claim(&self.queue, ticket, at_most).await.expect("it is answered");
        let model = self.model.claim(&self.queue, ticket, at_most).await.expect("it is answered");
        self.same_claimed(store, model)
    }

    fn same_claimed(&mut self, store: Claimed, model: Claimed) -> (Lease, Vec<TwinClaim>, usize) {
        let lease = self.same(store.lease, model.lease);
        if self.shares_its_clock() {
            self.same(store.now, model.now);
            self.same(store.paused_until, model.paused_until);
        }
        let seen = |claims: &[Claim]| -> Vec<_> {
            claims
                .iter()
                .map(|one| {
                    (one.id.clone(), self.timeless(&one.envelope), self.timeless_history(&one.history))
                })
                .collect()
        };
        self.same(seen(&store.runs), seen(&model.runs));
        self.same(store.paused_until.is_some(), model.paused_until.is_some());
        let expired = self.same(store.expired, model.expired).len();
        let twins = store.runs.into_iter().zip(model.runs);
        (lease, twins.map(|(store, model)| TwinClaim { store, model }).collect(), expired)
    }

    pub(super) async fn settle(&mut self, batch: &[(TwinClaim, Fate)]) -> Vec<Settled> {
        let named: Vec<_> =
            batch.iter().map(|(claim, fate)| (claim.id(), &claim.store.token.0, fate)).collect();
        self.note(format!("settle {named:?}"));
        let (of_store, of_model) = settlements(batch);
        let store = self.backend().settle(&self.queue, &of_store).await.expect("it is answered");
        let model = self.model.settle(&self.queue, &of_model).await.expect("it is answered");
        self.same(store, model)
    }

    /// Settles and claims in one call: as both do, one after the other.
    pub(super) async fn settle_and_claim(
        &mut self,
        batch: &[(TwinClaim, Fate)],
        ticket: &Ticket,
        at_most: usize,
    ) -> (Vec<Settled>, (Lease, Vec<TwinClaim>, usize)) {
        let named: Vec<_> =
            batch.iter().map(|(claim, fate)| (claim.id(), &claim.store.token.0, fate)).collect();
        self.note(format!("settle {named:?} and claim {at_most} with {ticket:?}"));
        let (of_store, of_model) = settlements(batch);
        let both = self.backend().settle_and_claim(&self.queue, &of_store, ticket, at_most);
        let (settled, claimed) = both.await.expect("it is answered");
        let of_model = self.model.settle(&self.queue, &of_model).await.expect("it is answered");
        let model = self.model.claim(&self.queue, ticket, at_most).await.expect("it is answered");
        (self.same(settled, of_model), self.same_claimed(claimed, model))
    }

    /// Answers how many runs were moved, and how many lanes woken.
    pub(super) async fn promote(&mut self, at_most: usize) -> (usize, usize) {
        self.note(format!("promote {at_most}"));
        let store = self.backend().promote(&self.queue, at_most).await.expect("it is answered");
        let model = self.model.promote(&self.queue, at_most).await.expect("it is answered");
        if self.shares_its_clock() {
            self.same(store.next_due, model.next_due);
        }
        let zero = |due: Option<Duration>| due.map(|due| due.is_zero());
        self.same(zero(store.next_due), zero(model.next_due));
        self.same((store.moved, store.woken), (model.moved, model.woken))
    }

    pub(super) async fn tick(&mut self, tick: &Tick) -> Ticked {
        let run = tick.run.as_ref().map(|run| &run.id);
        self.note(format!("tick {} at {}, run {run:?}, overlap {:?}", tick.job, tick.at, tick.overlap));
        let store = self.backend().tick(&self.queue, tick).await.expect("it is answered");
        let model = self.model.tick(&self.queue, tick).await.expect("it is answered");
        self.same(store, model)
    }

    pub(super) async fn last_tick(&mut self, job: &JobName) {
        self.note(format!("last tick of {job}"));
        let store = self.backend().last_tick(&self.queue, job).await.expect("it is answered");
        let model = self.model.last_tick(&self.queue, job).await.expect("it is answered");
        self.same(store.at, model.at);
    }

    pub(super) async fn beat(&mut self, overseer: &OverseerId) -> Lease {
        self.note(format!("beat of {overseer}"));
        let queues = [self.queue.clone()];
        let store = self.backend().beat(overseer, &queues).await.expect("it is answered");
        let model = self.model.beat(overseer, &queues).await.expect("it is answered");
        self.same(store, model)[0]
    }

    /// Rescues step by step until nothing is left to take back. How the two divide the work into steps is their own.
    pub(super) async fn rescue(&mut self, rescue: &Rescue) -> usize {
        self.note(format!("{rescue:?}"));
        let store = rescue_all(self.backend().as_ref(), &self.queue, rescue).await;
        let model = rescue_all(&self.model, &self.queue, rescue).await;
        let [rescued, poisoned, cancelled] = self.same(store, model);
        rescued.len() + poisoned.len() + cancelled.len()
    }

    pub(super) async fn cancel(&mut self, ids: &[RunId]) -> Vec<Cancelled> {
        self.note(format!("cancel {ids:?}"));
        let store = self.backend().cancel(&self.queue, ids).await.expect("it is answered");
        let model = self.model.cancel(&self.queue, ids).await.expect("it is answered");
        self.same(store, model)
    }

    /// What an overseer is told to let go of.
    pub(super) async fn cancelled(&self, overseer: &OverseerId) {
        let mut store = self.backend().cancelled(&self.queue, overseer).await.expect("it is answered");
        let mut model = self.model.cancelled(&self.queue, overseer).await.expect("it is answered");
        store.sort();
        model.sort();
        self.same(store, model);
    }

    pub(super) async fn pause(&mut self, everything: bool, pause: &Pause) {
        self.note(format!("{pause:?}, everything: {everything}"));
        let scope = self.scope(everything);
        self.backend().pause(&scope, pause).await.expect("it is answered");
        self.model.pause(&scope, pause).await.expect("it is answered");
    }

    pub(super) async fn resume(&mut self, everything: bool) {
        self.note(format!("resume, everything: {everything}"));
        let scope = self.scope(everything);
        self.backend().resume(&scope).await.expect("it is answered");
        self.model.resume(&scope).await.expect("it is answered");
    }

    pub(super) async fn pause_job(&mut self, job: &JobName, pause: &Pause) {
        self.note(format!("{pause:?} of {job}"));
        let scope = Scope::Job(self.queue.clone(), job.clone());
        self.backend().pause(&scope, pause).await.expect("it is answered");
        self.model.pause(&scope, pause).await.expect("it is answered");
    }

    pub(super) async fn resume_job(&mut self, job: &JobName) {
        self.note(format!("resume {job}"));
        let scope = Scope::Job(self.queue.clone(), job.clone());
        self.backend().resume(&scope).await.expect("it is answered");
        self.model.resume(&scope).await.expect("it is answered");
    }

    fn scope(&self, everything: bool) -> Scope {
        if everything { Scope::Everything } else { Scope::Queue(self.queue.clone()) }
    }

    pub(super) async fn change_note(&mut self, notebook: &Notebook, key: &str, change: &NoteChange) -> Noted {
        self.note(format!("{change:?} of {key} in {notebook:?}"));
        let store = self.backend().change_note(notebook, key, change).await.expect("it is answered");
        let model = self.model.change_note(notebook, key, change).await.expect("it is answered");
        let all = self.backend().notes(notebook).await.expect("they are told");
        self.same(all, self.model.notes(notebook).await.expect("they are told"));
        self.same(store, model)
    }

    pub(super) async fn delete(&mut self, id: &RunId) -> bool {
        self.note(format!("delete {id}"));
        let store = self.backend().delete(&self.queue, id).await.expect("it is answered");
        let model = self.model.delete(&self.queue, id).await.expect("it is answered");
        self.same(store, model)
    }

    pub(super) async fn flush(&mut self) {
        self.note("flush".into());
        self.backend().flush(&self.queue).await.expect("it is answered");
        self.model.flush(&self.queue).await.expect("it is answered");
    }

    pub(super) async fn prune(&mut self, keep: usize, age: Duration, at_most: usize) -> usize {
        self.note(format!("prune to {keep} and {age:?}, {at_most} at most"));
        let store = self.backend().prune(&self.queue, keep, age, at_most).await.expect("it is answered");
        let model = self.model.prune(&self.queue, keep, age, at_most).await.expect("it is answered");
        self.same(store, model)
    }

    /// Compares everything that can be seen of the queue.
    pub(super) async fn compare(&self) {
        self.compare_lists().await;
        // Now and then: it is many calls.
        if self.log.len().is_multiple_of(4) {
            self.compare_flows().await;
        }
    }

    /// Compares how limits stand, and who keeps others away.
    pub(super) async fn compare_flows(&self) {
        for name in LIMITS {
            for key in KEYS {
                let (name, key) = (limit(name), flows::key(key));
                let store = self.backend().limit(&self.queue, &name, &key).await.expect("a limit is told");
                let model = self.model.limit(&self.queue, &name, &key).await.expect("a limit is told");
                self.same((&name, &key, store), (&name, &key, model));
            }
        }
        for key in UNIQUE {
            let key = flows::key(key);
            let store = self.backend().holder(&self.queue, &key).await.expect("a holder is told");
            let model = self.model.holder(&self.queue, &key).await.expect("a holder is told");
            self.same((&key, store), (&key, model));
        }
    }

    /// The ids in a list.
    pub(super) async fn ids(&self, list: List) -> Vec<RunId> {
        let page = self.backend().page(&self.queue, list, 0, 1_000).await.expect("a page is read");
        page.into_iter().map(|run| run.id).collect()
    }

    /// Checks that no slot is taken and nobody is kept away, but for times that were said.
    pub(super) async fn assert_nothing_is_held(&self) {
        for (name, key) in LIMITS.iter().flat_map(|name| KEYS.map(|key| (limit(name), flows::key(key)))) {
            let report = self.backend().limit(&self.queue, &name, &key).await.expect("a limit is told");
            assert_eq!(report.concurrency.map_or(0, |slots| slots.used), 0, "slots of {name} and {key}");
        }
        self.compare_flows().await;
    }

    async fn compare_lists(&self) {
        let store = self.backend().sizes(&self.queue).await.expect("sizes are told");
        let model = self.model.sizes(&self.queue).await.expect("sizes are told");
        self.same(store, model);
        for everything in [false, true] {
            let scope = self.scope(everything);
            let store = self.backend().paused(&scope).await.expect("a pause is told");
            let model = self.model.paused(&scope).await.expect("a pause is told");
            self.same(self.comparable_pause(store), self.comparable_pause(model));
        }
        let comparable = |jobs: BTreeMap<JobName, Paused>| -> Vec<_> {
            jobs.into_iter().map(|(job, paused)| (job, self.comparable_pause(Some(paused)))).collect()
        };
        let store = self.backend().paused_jobs(&self.queue).await.expect("they are told");
        let model = self.model.paused_jobs(&self.queue).await.expect("they are told");
        self.same(comparable(store), comparable(model));
        for list in List::ALL {
            let store = self.backend().page(&self.queue, list, 0, 1_000).await.expect("a page is read");
            let model = self.model.page(&self.queue, list, 0, 1_000).await.expect("a page is read");
            self.same(self.comparable(list, store), self.comparable(list, model));
        }
    }

    /// A pause without what the two cannot agree on. A second one of everything in the same millisecond begins one later on Redis.
    fn comparable_pause(&self, paused: Option<Paused>) -> Option<Paused> {
        let told = |time: Option<Timestamp>| time.map(|_| Timestamp::UNIX_EPOCH);
        paused.map(|paused| match self.shares_its_clock() {
            true => Paused { since: told(paused.since), ..paused },
            false => Paused { since: told(paused.since), until: told(paused.until), ..paused },
        })
    }

    /// A list without what the two cannot agree on when each has its own clock.
    fn comparable(&self, list: List, mut runs: Vec<StoredRun>) -> Vec<StoredRun> {
        for run in &mut runs {
            run.envelope = self.timeless(&run.envelope);
            run.history = self.timeless_history(&run.history);
            if !self.shares_its_clock() {
                run.at = run.at.map(|_| Timestamp::UNIX_EPOCH);
            }
        }
        // Those that died in the same millisecond stand by their ids, and each has its own milliseconds.
        if !self.shares_its_clock() && list == List::Dead {
            runs.sort_by(|a, b| a.id.cmp(&b.id));
        }
        runs
    }

    fn timeless(&self, envelope: &[u8]) -> Vec<u8> {
        if self.shares_its_clock() {
            return envelope.to_vec();
        }
        let comma = envelope.iter().position(|byte| *byte == b',').expect("an envelope begins with its time");
        envelope[comma..].to_vec()
    }

    fn timeless_history(&self, history: &History) -> History {
        let mut history = history.clone();
        if !self.shares_its_clock() {
            history.log.iter_mut().for_each(|attempt| attempt.at = Timestamp::UNIX_EPOCH);
        }
        history
    }

    fn note(&mut self, what: String) {
        self.log.push(what);
    }

    /// Checks that both said the same, and returns it.
    fn same<T: Debug + PartialEq>(&self, store: T, model: T) -> T {
        assert!(
            store == model,
            "after {} the store does not do as the model\n store: {store:#?}\n model: {model:#?}\n \
             the last steps:\n  {}",
            self.log.len(),
            self.log[self.log.len().saturating_sub(40)..].join("\n  ")
        );
        store
    }
}

/// All that a rescue takes back, banishes and removes, however many calls it takes, sorted.
async fn rescue_all(backend: &dyn Backend, queue: &QueueName, rescue: &Rescue) -> [Vec<RunId>; 3] {
    let mut all = [Vec::new(), Vec::new(), Vec::new()];
    loop {
        // Memory is always ready: a loop over it would never let the deadline pass.
        tokio::task::yield_now().await;
        let step = backend.rescue(queue, rescue).await.expect("it is answered");
        assert!(step.total() <= rescue.at_most, "{step:?} is bounded");
        for (ids, more) in all.iter_mut().zip([step.rescued, step.poisoned, step.cancelled]) {
            ids.extend(more);
        }
        if !step.more {
            break;
        }
    }
    all.iter_mut().for_each(|ids| ids.sort());
    all
}

/// As the store and as the model are told.
fn settlements(batch: &[(TwinClaim, Fate)]) -> (Vec<Settlement>, Vec<Settlement>) {
    let told = |claim: &Claim, fate: &Fate| Settlement {
        id: claim.id.clone(),
        token: claim.token.clone(),
        fate: fate.clone(),
    };
    batch.iter().map(|(claim, fate)| (told(&claim.store, fate), told(&claim.model, fate))).unzip()
}
