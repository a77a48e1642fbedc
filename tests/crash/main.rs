//! Faults, tried on purpose on real worker processes, each with an exact ledger.
//!
//! # How a fault is tried
//!
//! ```text
//! test process                                      worker processes (programs/crash_worker)
//!   Store: a Redis or SQLite file of its own          jobs.rs: what they perform
//!   CrashLedger ─── promises ids                      Witness around the store: fail point, and what
//!   Fleet ───────── starts, kills, holds, stops ────>   the store answered
//!        └ notes each fault, whom it hit, and when    └──> journal: one line a fact, one write a line
//!   CrashLedger::close ── reads the journal and all four lists of every queue
//! ```
//!
//! 1. A [`Store`](store::Store) and a [`CrashLedger`], then a [`WorkerPlan`] of both, and a client by [`WorkerPlan::connect`].
//! 2. Runs are enqueued, half of them with a [flow](mosquito_tests::flow_of), and what was answered is [promised](CrashLedger::promise).
//! 3. Workers are started in a [`Fleet`], the fault is done, by the fleet or noted in it
//!    ([`Fleet::fault`] for what is over at once, [`Fleet::begin_fault`] and [`Fleet::end_fault`] for what lasts), always for whom it hits:
//!    one process or everybody.
//! 4. [`CrashLedger::until_kept`] waits until each promised run was performed to its end and none is left;
//!    workers are [stopped](Fleet::stop); [`CrashLedger::close`] checks the rest and prints the line of the table.
//!
//! What `close` checks: each promised id was performed to its end at least once; at the end each id is gone, or in exactly one list where it
//! may stand; no run was settled as done twice, or by another claim than its latest; each time a run was performed once more, a
//! fault hit one of the two who performed it, in that time; there are no more of those than the faults' executors and one batch of settlements
//! each; no second between the first and the last tick is missing; and nobody has a slot or a unique key any more.
//!
//! The table: `cargo test -p mosquito-tests --test crash -- --nocapture | grep '^fault'`.

mod boundaries;
mod cancelling;
mod clocks;
mod deploys;
#[path = "../programs/crash_worker/jobs.rs"]
mod jobs;
mod kills;
mod network;
mod partitions;
mod poison;
mod redis;
mod soak;
mod sqlite;
mod stalls;
mod stops;
mod store;
mod wrapped;

use std::cell::RefCell;

use fastrand::Rng;
use mosquito::backend::{List, StoredRun};
use mosquito::{Enqueued, Job, Mosquito, RunId};
use mosquito_tests::{CrashLedger, Fleet, Seed, WorkerPlan, enqueue_flowing};

/// The program of the workers.
const WORKER: &str = env!("CARGO_BIN_EXE_crash-worker");

/// One text of a test, on both stores.
macro_rules! on_both {
    ($($fact:ident),+ $(,)?) => {
        $(mod $fact {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn redis() {
                super::$fact(crate::store::Store::redis()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$fact(crate::store::Store::sqlite()).await;
            }
        })+
    };
}
pub(crate) use on_both;

/// Everything that a fault is tried with, on one store.
struct Trial {
    ledger: CrashLedger,
    fleet: Fleet,
    plan: WorkerPlan,
    mosquito: Mosquito,
    /// The ids of runs follow from it, and so which of them have a flow.
    random: RefCell<Rng>,
}

impl Trial {
    async fn on(store: &store::Store) -> Self {
        let ledger = CrashLedger::new();
        let plan = store.plan(&ledger);
        let mosquito = plan.connect().await.expect("the store is there");
        let random = RefCell::new(Seed::several(1)[0].begin());
        Self { ledger, fleet: Fleet::of(WORKER), plan, mosquito, random }
    }

    /// Enqueues runs that are to be performed, half of them with a [flow](mosquito_tests::flow_of). Answers their ids.
    async fn enqueue<J: Job>(&self, jobs: impl IntoIterator<Item = J>) -> Vec<RunId> {
        let ids = self.enqueue_runs(jobs).await;
        self.ledger.promise(&ids);
        ids
    }

    /// Enqueues runs that are to be performed, none of them with a flow.
    async fn enqueue_plain<J: Job>(&self, jobs: impl IntoIterator<Item = J, IntoIter: Send + 'static>) {
        let answers = self.mosquito.enqueue_all(jobs).await.expect("runs are enqueued");
        self.ledger.promise(answers.iter().map(Enqueued::id));
    }

    /// Enqueues a run that is to end in `dead`. Answers its id.
    async fn enqueue_hopeless<J: Job>(&self, job: J) -> RunId {
        let id = self.enqueue_runs([job]).await.remove(0);
        self.ledger.promise_dead([&id]);
        id
    }

    async fn enqueue_runs<J: Job>(&self, jobs: impl IntoIterator<Item = J>) -> Vec<RunId> {
        let runs: Vec<_> = jobs.into_iter().map(|job| (self.new_id(), job)).collect();
        let answers = enqueue_flowing(&self.mosquito, runs).await.expect("runs are enqueued");
        assert!(answers.iter().all(Enqueued::is_new), "nothing keeps them away: {answers:?}");
        answers.iter().map(|answer| answer.id().clone()).collect()
    }

    fn new_id(&self) -> RunId {
        RunId::new(format!("{:016x}", self.random.borrow_mut().u64(..))).expect("digits are an id")
    }
}

/// What stands in a list of the queue `work`.
async fn standing(mosquito: &Mosquito, list: List) -> Vec<StoredRun> {
    let queue = mosquito.queue("work").expect("it is a name");
    queue.page(list, 0, 100).await.expect("the store answers")
}
