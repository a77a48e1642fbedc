//! What the calls of the hot path take, one after the other on one connection, with the server's part and the round trip.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use divan::{Bencher, counter::ItemsCount};
use mosquito::backend::{Claim, Enqueued, Fate, Settled, Settlement, Ticket};
use mosquito::{Mosquito, NewRun, OverseerId, QueueName};
use mosquito_tests::RedisServer;
use tokio::runtime::Runtime;

use crate::jobs::{Flowing, Numbered, Plain};

/// How many runs a call moves.
const SIZES: [usize; 2] = [1, 100];

#[divan::bench(types = [Plain, Flowing], args = SIZES, sample_size = 1, sample_count = 200)]
fn enqueue<J: Numbered>(bencher: Bencher, runs: usize) {
    let calls = Calls::<J>::new();
    let bencher = bencher.counter(ItemsCount::new(runs));
    bencher.with_inputs(|| calls.new_runs(runs)).bench_local_values(|runs| calls.enqueue(&runs));
}

#[divan::bench(types = [Plain, Flowing], args = SIZES, sample_size = 1, sample_count = 200)]
fn claim<J: Numbered>(bencher: Bencher, runs: usize) {
    let calls = Calls::<J>::new();
    let enqueued = || {
        // What was claimed before takes slots of limits.
        calls.flush();
        calls.enqueue(&calls.new_runs(runs));
    };
    let bencher = bencher.counter(ItemsCount::new(runs));
    bencher.with_inputs(enqueued).bench_local_values(|_| calls.claim(runs));
}

#[divan::bench(types = [Plain, Flowing], args = SIZES, sample_size = 1, sample_count = 200)]
fn settle<J: Numbered>(bencher: Bencher, runs: usize) {
    let calls = Calls::<J>::new();
    let claimed = || {
        calls.enqueue(&calls.new_runs(runs));
        let claims = calls.claim(runs).into_iter();
        claims.map(|Claim { id, token, .. }| Settlement { id, token, fate: Fate::Forget }).collect::<Vec<_>>()
    };
    let bencher = bencher.counter(ItemsCount::new(runs));
    bencher.with_inputs(claimed).bench_local_values(|settlements| calls.settle(&settlements));
}

/// Calls about the queue of a job, which is empty at first.
struct Calls<J> {
    runtime: Runtime,
    store: Mosquito,
    queue: QueueName,
    overseer: OverseerId,
    job: std::marker::PhantomData<J>,
}

impl<J: Numbered> Calls<J> {
    fn new() -> Self {
        // It ends with this process.
        static SERVER: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a thread that waits for sockets can be had");
        let store = runtime.block_on(Mosquito::connect(&SERVER.url())).expect("the server is there");
        let queue = QueueName::new(J::SPEC.queue).expect("the attribute has looked at it");
        let calls =
            Self { runtime, store, queue, overseer: OverseerId::random(), job: std::marker::PhantomData };
        calls.flush();
        calls
    }

    fn flush(&self) {
        self.runtime.block_on(self.store.backend().flush(&self.queue)).expect("the server answers");
    }

    /// No two of which are the same.
    fn new_runs(&self, runs: usize) -> Vec<NewRun> {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let first = LAST.fetch_add(runs, Ordering::Relaxed);
        (first..first + runs).map(J::run).collect()
    }

    fn enqueue(&self, runs: &[NewRun]) {
        let enqueued = self.store.backend().enqueue(&self.queue, runs);
        let enqueued = self.runtime.block_on(enqueued).expect("the server answers");
        assert!(enqueued.iter().all(Enqueued::is_new), "each is another one");
    }

    fn claim(&self, at_most: usize) -> Vec<Claim> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let ticket = Ticket { overseer: self.overseer.clone(), number };
        let claimed = self.store.backend().claim(&self.queue, &ticket, at_most);
        let claimed = self.runtime.block_on(claimed).expect("the server answers");
        assert_eq!(claimed.runs.len(), at_most, "so many were enqueued");
        claimed.runs
    }

    fn settle(&self, settlements: &[Settlement]) {
        let settled = self.store.backend().settle(&self.queue, settlements);
        let settled = self.runtime.block_on(settled).expect("the server answers");
        assert!(settled.iter().all(|answer| *answer == Settled::Done), "the claims stand");
    }
}
