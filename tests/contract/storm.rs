//! Everything at once, by many who truly run at the same time and share what they know with nobody but this ledger.
//!
//! No order can be foretold, so nothing is compared with a model; what must hold in any order is. Where the invariants of
//! the design are checked, by their numbers:
//!
//! 1. *One list*: here at the end, by [`Store::bears_out`]; after each step in `model` and `small`.
//! 2. *Nothing is lost*: here, each life of an id that was begun is ended once, or stands; in every state in `small`.
//! 3. *Fenced*: here, a claim is given out once and settled once at most; every old claim in every state in `small`.
//! 4. *Attempts and crashes*: here, never more crashes than attempts; exactly in `small` and `leases`.
//! 5. *Heartbeat*: of runners, in `tests/runners/leases.rs`; that a beat keeps a lease in `small` and `leases`.
//! 6. *The store's clock*: `clock_set_back`, and every store on a set clock.
//! 7. *Bounded*: here, each rescue; each kind of call in its own file (`BATCH_LIMIT`).
//! 8. *A tick is enqueued once*: here, however many lead; in every state in `small`.
//! 9. *Nothing is thrown away*: `by_hand` and `foreign_keys`; of jobs, in `tests/runners/bad_input.rs`.
//! 10. *Bounded memory*: of runners, in `tests/runners`; that signals do not pile up in `by_hand`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::{Backend, Claim, Fate, List, Overlap, Rescue, Settled, Ticked};
use mosquito::{Clock, QueueName, RunId, Timestamp};
use mosquito_tests::Seed;
use tokio::task::{JoinSet, yield_now};

use crate::making::{
    HOUR, Overseer, every_fate, numbered, queue, reschedule, rescue_after, run, run_id, settlement,
    settlements, tick,
};
use crate::store::Store;

facts! {
    ; at_once:
    whatever_many_do_at_once_each_run_ends_once_or_stands,
}

const TASKS: usize = 6;
const ROUNDS: usize = 120;
/// So few that several tasks are often at the same one.
const IDS: usize = 8;

/// What the tasks saw. An answer that a task takes for lost is seen here all the same.
#[derive(Debug, Default)]
struct Ledger {
    /// How often an id was enqueued anew, and how often such a run came to its end.
    begun: BTreeMap<RunId, usize>,
    ended: BTreeMap<RunId, usize>,
    claims: BTreeSet<(RunId, String)>,
    settled: BTreeSet<(RunId, String)>,
    ticks: BTreeSet<RunId>,
    leaders: BTreeMap<u64, usize>,
    rescued: usize,
    stale: usize,
}

impl Ledger {
    /// Claims that were not given out before must be nobody's.
    fn given_out(&mut self, before: &[Claim], claims: &[Claim]) {
        for claim in claims
            .iter()
            .filter(|claim| before.iter().all(|one| one.token != claim.token || one.id != claim.id))
        {
            assert!(
                self.claims.insert((claim.id.clone(), claim.token.0.clone())),
                "{claim:?} is given out once"
            );
        }
    }
}

struct Task {
    clock: Option<Clock>,
    number: usize,
    backend: Arc<dyn Backend>,
    queue: QueueName,
    overseer: Overseer,
    ledger: Arc<Mutex<Ledger>>,
    random: Rng,
    held: Vec<Claim>,
    begin: Timestamp,
}

async fn whatever_many_do_at_once_each_run_ends_once_or_stands(store: &Store) {
    let mut random = Seed::several(1)[0].begin();
    let (ledger, begin) = (Arc::<Mutex<Ledger>>::default(), store.now().await - HOUR);
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        // A client of its own: connections of its own on a server.
        let backend = store.backend().separate().await.expect("there can be several handles");
        let task = Task {
            clock: store.clock().cloned(),
            number,
            backend,
            queue: queue("mail"),
            overseer: Overseer::named(&format!("overseer-{number}")),
            ledger: Arc::clone(&ledger),
            random: random.fork(),
            held: Vec::new(),
            begin,
        };
        tasks.spawn(task.play());
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task finds anything wrong");
    }

    let ledger = std::mem::take(&mut *ledger.lock().unwrap_or_else(PoisonError::into_inner));
    for run in store.everything().await {
        assert!(run.history.crashes <= run.history.attempts, "{run:?}: a crash is an attempt");
    }
    let standing: BTreeSet<_> = store.everything().await.into_iter().map(|run| run.id).collect();
    for (id, begun) in &ledger.begun {
        let ended = ledger.ended.get(id).copied().unwrap_or_default();
        let stands = usize::from(standing.contains(id));
        assert_eq!(*begun, ended + stands, "{id}: each time it was enqueued it ended once, or it stands");
    }
    assert!(ledger.rescued > 0 && ledger.stale > 0, "runs were taken from those who had them: {ledger:?}");
    perform_the_rest(store).await;
}

/// Nothing is stuck: what is not dead can be performed.
async fn perform_the_rest(store: &Store) {
    while store.rescue(&rescue_after(Duration::ZERO)).await.more {}
    store.pass(Duration::from_millis(5)).await;
    store.promote(1_000).await;
    let claims = store.claim(&Overseer::named("heir"), 1_000).await;
    let settled = store.settle(&settlements(&claims, &Fate::Forget)).await;
    assert!(settled.iter().all(|one| *one == Settled::Done), "its claims stand: {settled:?}");
    let left = store.everything().await;
    assert!(left.iter().all(|run| run.list == List::Dead), "what is left is dead: {left:?}");
}

impl Task {
    async fn play(mut self) {
        for round in 0..ROUNDS {
            // Memory is always ready: without this one task would come after the other.
            yield_now().await;
            match self.random.usize(0..20) {
                0..6 => self.enqueue().await,
                6..11 => self.claim().await,
                11..15 => self.settle().await,
                15 => self.delete().await,
                16 => self.rescue().await,
                17 => self.promote().await,
                18 => self.lead_and_tick(round).await,
                _ => {
                    let _lease =
                        self.backend.beat(&self.overseer.id, std::slice::from_ref(&self.queue)).await;
                }
            }
        }
    }

    fn note(&self, note: impl FnOnce(&mut Ledger)) {
        note(&mut self.ledger.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How often a call is made: a second time when its answer is taken for lost.
    fn times(&mut self) -> usize {
        if self.random.usize(0..3) == 0 { 2 } else { 1 }
    }

    fn id(&mut self) -> RunId {
        run_id(&numbered(IDS)[self.random.usize(0..IDS)])
    }

    async fn enqueue(&mut self) {
        let id = self.id();
        for _ in 0..self.times() {
            let answers =
                self.backend.enqueue(&self.queue, &[run(id.as_str())]).await.expect("it is answered");
            if answers[0].is_new() {
                self.note(|ledger| *ledger.begun.entry(id.clone()).or_default() += 1);
            }
        }
    }

    async fn claim(&mut self) {
        let (ticket, at_most) = (self.overseer.ticket(), self.random.usize(1..4));
        let mut mine = self.backend.claim(&self.queue, &ticket, at_most).await.expect("it is answered").runs;
        self.note(|ledger| ledger.given_out(&[], &mine));
        if self.times() == 2 {
            // Somebody may have taken some of them meanwhile; or all, and the lease with them: then it claims anew.
            let again = self.backend.claim(&self.queue, &ticket, at_most).await.expect("it is answered").runs;
            self.note(|ledger| ledger.given_out(&mine, &again));
            mine = again;
        }
        self.held.extend(mine);
    }

    async fn settle(&mut self) {
        let Some(claim) = self.random.choice(0..self.held.len()).map(|at| self.held.swap_remove(at)) else {
            return;
        };
        let fates = every_fate();
        let mut fate = fates[self.random.usize(0..fates.len())].clone();
        if matches!(fate, Fate::Reschedule { .. }) {
            fate = reschedule(Duration::ZERO);
        }
        for _ in 0..self.times() {
            let settled = self.backend.settle(&self.queue, &[settlement(&claim, fate.clone())]).await;
            let done = settled.expect("it is answered") == [Settled::Done];
            self.note(|ledger| {
                if done {
                    let claim = (claim.id.clone(), claim.token.0.clone());
                    assert!(ledger.settled.insert(claim.clone()), "{claim:?} is settled once");
                }
                ledger.stale += usize::from(!done);
                if done && fate == Fate::Forget {
                    *ledger.ended.entry(claim.id.clone()).or_default() += 1;
                }
            });
        }
    }

    async fn delete(&mut self) {
        let id = self.id();
        if self.backend.delete(&self.queue, &id).await.expect("it is answered") {
            self.note(|ledger| *ledger.ended.entry(id).or_default() += 1);
        }
    }

    /// Everybody is dead who had time to be, and few are taken back in a call.
    async fn rescue(&self) {
        if let Some(clock) = &self.clock {
            clock.step(1);
        }
        let rescue = Rescue { at_most: 2, max_crashes: 20, ..rescue_after(Duration::from_millis(1)) };
        let answer = self.backend.rescue(&self.queue, &rescue).await.expect("it is answered");
        let moved = answer.rescued.len() + answer.poisoned.len();
        assert!(moved <= rescue.at_most, "{answer:?} is bounded");
        self.note(|ledger| ledger.rescued += moved);
    }

    async fn promote(&self) {
        let promoted = self.backend.promote(&self.queue, 2).await.expect("it is answered");
        assert!(promoted.moved <= 2, "{promoted:?} is bounded");
    }

    async fn lead_and_tick(&mut self, round: usize) {
        let led =
            self.backend.lead(&self.overseer.id, Duration::from_millis(1)).await.expect("it is answered");
        if let Some(epoch) = led {
            let number = self.number;
            self.note(|ledger| {
                assert_eq!(*ledger.leaders.entry(epoch).or_insert(number), number, "one leads in {epoch}")
            });
        }
        // Also who does not lead any more: leadership only saves work.
        let at = self.begin + chrono::TimeDelta::seconds(i64::try_from(round).expect("it is small"));
        let tick = tick(at, Overlap::Allow);
        if let Ticked::Enqueued(id) = self.backend.tick(&self.queue, &tick).await.expect("it is answered") {
            self.note(|ledger| {
                assert!(ledger.ticks.insert(id.clone()), "{id} ticks once");
                *ledger.begun.entry(id).or_default() += 1;
            });
        }
    }
}
