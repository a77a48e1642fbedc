//! A store that facts are checked on, and short ways to say what they do to it.
//!
//! The short ways act on one queue; facts about several use the backend itself.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
#[cfg(feature = "redis")]
use std::sync::LazyLock;
use std::time::Duration;

use mosquito::backend::memory::Memory;
use mosquito::backend::{
    BATCH_LIMIT, Backend, Claim, Claimed, Enqueued, Fate, Lease, List, Promoted, Rescue, Rescued, Settled,
    Settlement, Sizes, StoredRun, Ticket,
};
use mosquito::{Clock, History, NewRun, QueueName, Timestamp};
#[cfg(feature = "redis")]
use mosquito_tests::{RedisCluster, RedisServer};
use tempfile::TempDir;
#[cfg(feature = "redis")]
use tokio::sync::OnceCell;

use crate::inside::{Beside, Inside};
use crate::making::{Overseer, queue, run, run_id, settlement};

/// What does not come to an end has failed. Random steps take seconds of work, eight facts at a time on two cores, beside their servers.
const DEADLINE: Duration = Duration::from_secs(180);

/// One server for all facts, each of which has a prefix of its own.
#[cfg(feature = "redis")]
pub(crate) static REDIS: LazyLock<RedisServer> = LazyLock::new(RedisServer::start);

/// One cluster likewise.
#[cfg(feature = "redis")]
pub(crate) static CLUSTER: OnceCell<RedisCluster> = OnceCell::const_new();

/// A clock of the test's. It always begins at the same time, so that a seed does the same again.
pub(crate) fn clock() -> Clock {
    Clock::manual_at("2026-01-01T00:00:00Z".parse().expect("it is a time"))
}

/// An empty store of one backend.
pub(crate) struct Store {
    backend: Arc<dyn Backend>,
    second: Arc<dyn Backend>,
    queue: QueueName,
    /// Nothing when the time is the server's, which nobody can move.
    clock: Option<Clock>,
    inside: Inside,
    _files: Option<TempDir>,
}

impl Store {
    #[expect(clippy::unused_async, reason = "the others connect to something")]
    pub(crate) async fn memory(_fact: &str) -> Self {
        let clock = clock();
        let memory = Memory::with_clock(clock.clone());
        let backend = Arc::new(memory.clone());
        Self::of(backend.clone(), backend, Some(clock), Inside::Memory(memory), None)
    }

    #[cfg(feature = "sqlite")]
    pub(crate) async fn sqlite(_fact: &str) -> Self {
        use mosquito::backend::sqlite::Sqlite;

        let files = tempfile::tempdir().expect("a folder for temporary files can be written");
        let (path, clock) = (files.path().join("jobs.db"), clock());
        let backend = Sqlite::open_with_clock(&path, clock.clone()).await.expect("the file can be made");
        let second = Sqlite::open_with_clock(&path, clock.clone()).await.expect("it can be opened twice");
        Self::of(Arc::new(backend), Arc::new(second), Some(clock), Inside::Sqlite(path), Some(files))
    }

    #[cfg(feature = "redis")]
    pub(crate) async fn redis(fact: &str) -> Self {
        use mosquito::backend::redis::Redis;

        let url = REDIS.url();
        let backend = Redis::connect(&url, fact).await.expect("the server answers");
        let second = Redis::connect(&url, fact).await.expect("the server answers a second client");
        Self::of(Arc::new(backend), Arc::new(second), None, inside(fact, false), None)
    }

    /// Where time is moved by hand, as on the other two: no fact waits, and times are compared.
    #[cfg(feature = "redis")]
    pub(crate) async fn redis_on_a_set_clock(fact: &str) -> Self {
        use mosquito::backend::redis::Redis;

        let (url, prefix, clock) = (REDIS.url(), format!("{fact}-set"), clock());
        let connect = || Redis::connect_with_clock(&url, &prefix, clock.clone());
        let backend = connect().await.expect("the server answers");
        let second = connect().await.expect("the server answers a second client");
        Self::of(Arc::new(backend), Arc::new(second), Some(clock), inside(&prefix, false), None)
    }

    /// Where queues are in several servers. None is to take another for dead while the machine is busy.
    #[cfg(feature = "redis")]
    pub(crate) async fn redis_cluster(fact: &str) -> Self {
        use mosquito::backend::redis::Redis;

        let url = CLUSTER
            .get_or_init(|| RedisCluster::start_with(&["--cluster-node-timeout", "60000"]))
            .await
            .url();
        let backend = Redis::connect(&url, fact).await.expect("the cluster answers");
        let second = Redis::connect(&url, fact).await.expect("the cluster answers a second client");
        Self::of(Arc::new(backend), Arc::new(second), None, inside(fact, true), None)
    }

    fn of(
        backend: Arc<dyn Backend>,
        second: Arc<dyn Backend>,
        clock: Option<Clock>,
        inside: Inside,
        files: Option<TempDir>,
    ) -> Self {
        Self { backend, second, queue: queue("mail"), clock, inside, _files: files }
    }

    /// Lets a fact be checked, in time, and that it left every queue consistent.
    pub(crate) async fn bears_out(&self, fact: impl Future<Output = ()>) {
        let checked = async {
            fact.await;
            for queue in self.backend.queues().await.expect("queues are listed") {
                self.assert_consistent(&queue).await;
            }
        };
        tokio::time::timeout(DEADLINE, checked).await.expect("each fact comes to an end");
    }

    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Another handle on the same store: another client of the server, another opening of the file.
    pub(crate) fn second(&self) -> &Arc<dyn Backend> {
        &self.second
    }

    /// The queue that the short ways below act on.
    pub(crate) fn queue(&self) -> &QueueName {
        &self.queue
    }

    /// The clock, where it is the test's.
    pub(crate) fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }

    /// What stands beside the runs of the queue in the data itself.
    pub(crate) fn beside(&self) -> Beside {
        self.inside.beside()
    }

    /// Lets so much time pass on the backend's clock.
    pub(crate) async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.step(i64::try_from(time.as_millis()).expect("a fact is no aeon")),
            None => tokio::time::sleep(time + Duration::from_millis(2)).await,
        }
    }

    /// The time by the backend's clock.
    pub(crate) async fn now(&self) -> Timestamp {
        let nobody = Overseer::named("nobody");
        let claimed = self.backend.claim(&queue("nothing"), &nobody.ticket(), 0).await;
        claimed.expect("a claim of nothing tells the time").now
    }

    pub(crate) async fn enqueue(&self, runs: &[NewRun]) -> Vec<Enqueued> {
        self.backend.enqueue(&self.queue, runs).await.expect("runs are enqueued")
    }

    /// Enqueues new runs for now.
    pub(crate) async fn put(&self, ids: &[&str]) {
        let runs: Vec<_> = ids.iter().map(|id| run(id)).collect();
        self.put_runs(&runs).await;
    }

    /// Enqueues new runs, however many.
    pub(crate) async fn put_runs(&self, runs: &[NewRun]) {
        for runs in runs.chunks(BATCH_LIMIT) {
            assert!(self.enqueue(runs).await.iter().all(Enqueued::is_new), "the fact begins with new runs");
        }
    }

    /// Claims with a new ticket.
    pub(crate) async fn claim(&self, overseer: &Overseer, at_most: usize) -> Vec<Claim> {
        self.claim_with(&overseer.ticket(), at_most).await.runs
    }

    /// Enqueues one run and claims it; there must be no other that waits.
    pub(crate) async fn claimed(&self, id: &str, overseer: &Overseer) -> Claim {
        self.put(&[id]).await;
        let claim = self.claim(overseer, 1).await.pop().expect("the run waits");
        assert_eq!(claim.id.as_str(), id, "no other run waits");
        claim
    }

    pub(crate) async fn claim_with(&self, ticket: &Ticket, at_most: usize) -> Claimed {
        self.backend.claim(&self.queue, ticket, at_most).await.expect("a claim is answered")
    }

    pub(crate) async fn settle(&self, settlements: &[Settlement]) -> Vec<Settled> {
        self.backend.settle(&self.queue, settlements).await.expect("settlements are answered")
    }

    pub(crate) async fn settle_one(&self, claim: &Claim, fate: Fate) -> Settled {
        let settled = self.settle(&[settlement(claim, fate)]).await;
        assert_eq!(settled.len(), 1, "one settlement has one answer");
        settled[0]
    }

    pub(crate) async fn promote(&self, at_most: usize) -> Promoted {
        // Memory is always ready: a loop over it would never let the deadline pass.
        tokio::task::yield_now().await;
        self.backend.promote(&self.queue, at_most).await.expect("a promotion is answered")
    }

    pub(crate) async fn beat(&self, overseer: &Overseer) -> Lease {
        let queues = [self.queue.clone()];
        self.backend.beat(&overseer.id, &queues).await.expect("a beat is answered")[0]
    }

    pub(crate) async fn rescue(&self, rescue: &Rescue) -> Rescued {
        tokio::task::yield_now().await;
        self.backend.rescue(&self.queue, rescue).await.expect("a rescue is answered")
    }

    /// The ids that a recall handed back.
    pub(crate) async fn recall(&self, before: &Ticket) -> Vec<String> {
        let ids = self.backend.recall(&self.queue, before).await.expect("a recall is answered");
        ids.iter().map(ToString::to_string).collect()
    }

    pub(crate) async fn sizes(&self) -> Sizes {
        self.backend.sizes(&self.queue).await.expect("sizes are told")
    }

    pub(crate) async fn page(&self, list: List, offset: usize, at_most: usize) -> Vec<StoredRun> {
        self.backend.page(&self.queue, list, offset, at_most).await.expect("a page is read")
    }

    /// The ids in a list.
    pub(crate) async fn list(&self, list: List) -> Vec<String> {
        all_of(self.backend(), &self.queue, list).await.into_iter().map(|run| run.id.to_string()).collect()
    }

    pub(crate) async fn find(&self, id: &str) -> Option<StoredRun> {
        self.backend.find(&self.queue, &run_id(id)).await.expect("a run is looked up")
    }

    /// The list that a run stands in.
    pub(crate) async fn place(&self, id: &str) -> Option<List> {
        self.find(id).await.map(|run| run.list)
    }

    pub(crate) async fn history(&self, id: &str) -> History {
        self.find(id).await.expect("the run is there").history
    }

    pub(crate) async fn delete(&self, id: &str) -> bool {
        self.backend.delete(&self.queue, &run_id(id)).await.expect("a deletion is answered")
    }

    /// The whole queue, to be compared with what it is after something that changes nothing.
    pub(crate) async fn everything(&self) -> Vec<StoredRun> {
        let mut runs = Vec::new();
        for list in List::ALL {
            runs.extend(all_of(self.backend(), &self.queue, list).await);
        }
        runs
    }

    /// Checks that sizes, pages and single looks tell the same, from either handle, and that each run
    /// stands in one list only, and in its place there.
    pub(crate) async fn assert_consistent(&self, queue: &QueueName) {
        let sizes = self.backend.sizes(queue).await.expect("sizes are told");
        let counted = [sizes.waiting, sizes.pending, sizes.scheduled, sizes.dead].into_iter().zip(List::ALL);
        let mut seen = HashSet::new();
        for (size, list) in counted {
            let runs = all_of(self.second(), queue, list).await;
            assert_eq!(runs.len(), size, "{queue}: the pages of {list} hold as many runs as its size says");
            for run in &runs {
                assert!(seen.insert(run.id.clone()), "{queue}: run {} stands in one list only", run.id);
                assert_eq!(run.list, list, "{queue}: run {} tells the list it stands in", run.id);
                assert_eq!(run.at.is_none(), list == List::Waiting, "{queue}: {run:?} tells its time");
                assert_eq!(run.overseer.is_some(), list == List::Pending, "{queue}: {run:?} its overseer");
            }
            if matches!(list, List::Scheduled | List::Dead) {
                assert!(runs.is_sorted_by_key(|run| run.at), "{queue}: {list} is in the order of time");
            }
            for run in runs.iter().take(100) {
                let found = self.backend.find(queue, &run.id).await.expect("a run is looked up");
                assert_eq!(found.as_ref(), Some(run), "{queue}: a run is found as its page shows it");
            }
        }
    }
}

#[cfg(feature = "redis")]
fn inside(prefix: &str, is_cluster: bool) -> Inside {
    Inside::Redis { is_cluster, prefix: format!("{prefix}:{{mail}}:") }
}

/// A whole list, page by page.
async fn all_of(backend: &Arc<dyn Backend>, queue: &QueueName, list: List) -> Vec<StoredRun> {
    let mut runs = Vec::new();
    loop {
        let page = backend.page(queue, list, runs.len(), BATCH_LIMIT).await.expect("a page is read");
        let last = page.len() < BATCH_LIMIT;
        runs.extend(page);
        assert!(runs.len() < 100_000, "{queue}: the pages of {list} come to an end");
        if last {
            return runs;
        }
    }
}
