//! The executors: as many as wanted, each replaced when it dies.
//!
//! Idle executors are permits of a semaphore, which only the overseer takes: so it never claims more runs
//! than executors can start at once, and as many as it may claim [ahead](super::ahead), which are permits, too.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::desk::Desk;
use super::executor::{Executor, Work};
use super::last_chance;
use super::line::{Line, Taker};
use super::settler;
use super::tally::Ending;
use crate::backend::{Fate, Settlement};
use crate::events::Event;
use crate::job::panic_message;
use crate::name::QueueName;

pub(crate) struct Pool {
    desk: Arc<Desk>,
    executor: Executor,
    idle: Arc<Semaphore>,
    /// How many permits there are beyond the executors, and how many there are to be.
    ahead: AtomicUsize,
    ahead_wanted: AtomicUsize,
    line: Arc<Line<Handout>>,
    size: AtomicUsize,
    wanted: Mutex<Wanted>,
    tasks: TaskTracker,
}

/// How many executors there are to be.
#[derive(Debug, Default)]
struct Wanted {
    /// As the runner was told; 0 before it runs.
    beneath: usize,
    /// As the store says, which goes over that.
    configured: Option<usize>,
}

impl Wanted {
    fn executors(&self) -> usize {
        self.configured.unwrap_or(self.beneath)
    }
}

#[derive(Debug)]
enum Handout {
    Perform(Arc<Work>, OwnedSemaphorePermit),
    /// The pool is to be smaller: whoever gets this ends.
    Retire,
}

impl Pool {
    pub(super) fn new(desk: Arc<Desk>, executor: Executor) -> Arc<Self> {
        let idle = Arc::new(Semaphore::new(0));
        let line = Arc::new(Line::new());
        let (size, wanted, tasks) = (AtomicUsize::new(0), Mutex::default(), TaskTracker::new());
        let (ahead, ahead_wanted) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { desk, executor, idle, ahead, ahead_wanted, line, size, wanted, tasks })
    }

    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::SeqCst)
    }

    /// How many executors there are to be, once the pool has them.
    pub(super) fn wanted(&self) -> usize {
        self.lock_wanted().executors()
    }

    /// Has as many executors as the runner is told, unless the store says otherwise.
    pub(crate) fn want(self: &Arc<Self>, executors: usize) {
        let mut wanted = self.lock_wanted();
        wanted.beneath = executors;
        self.resize(wanted.executors());
    }

    /// Has as many executors as the store says, whatever the runner was told; or as many as that, when it says nothing.
    pub(super) fn configure(self: &Arc<Self>, executors: Option<usize>) {
        let mut wanted = self.lock_wanted();
        wanted.configured = executors;
        if wanted.beneath > 0 {
            self.resize(wanted.executors());
        }
    }

    fn lock_wanted(&self) -> MutexGuard<'_, Wanted> {
        // Two numbers cannot be left half changed.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the pool larger at once, or smaller as executors become idle.
    fn resize(self: &Arc<Self>, executors: usize) {
        let before = self.size.swap(executors, Ordering::SeqCst);
        for _ in before..executors {
            self.tasks.spawn(self.clone().keep_one());
        }
        self.idle.add_permits(executors.saturating_sub(before));
        let surplus = before.saturating_sub(executors);
        // Those that are idle at once, so that nothing more is claimed for them.
        let idle = self.idle_now(surplus);
        let busy = surplus - idle.num_permits();
        self.send_home(idle);
        if busy > 0 {
            let pool = self.clone();
            self.tasks.spawn(async move { pool.retire(busy).await });
        }
        if before != 0 && before != executors {
            let overseer = self.desk.overseer.clone();
            self.desk.events.emit(|| Event::ExecutorsResized { overseer, executors });
        }
    }

    async fn retire(&self, surplus: usize) {
        // The semaphore is fair: from now on executors that become idle are kept for this, until they are enough.
        let permits = u32::try_from(surplus).unwrap_or(u32::MAX);
        let permits = self.idle.clone().acquire_many_owned(permits).await;
        self.send_home(permits.expect("the semaphore is never closed"));
    }

    /// Ends so many executors, which are idle.
    fn send_home(&self, idle: OwnedSemaphorePermit) {
        let executors = idle.num_permits();
        idle.forget();
        for _ in 0..executors {
            // A pool that is closed has no executor left to retire.
            let _ = self.line.put(Handout::Retire);
        }
    }

    /// Waits for an idle executor, and takes up to `at_most` of them.
    pub(super) async fn take_idle(&self, at_most: usize) -> OwnedSemaphorePermit {
        loop {
            let mut first = self.idle.clone().acquire_owned().await.expect("the semaphore is never closed");
            first.merge(self.idle_now(at_most - 1));
            self.forget_surplus(&mut first);
            if first.num_permits() > 0 {
                return first;
            }
        }
    }

    /// The same, of those that are idle at this moment.
    pub(super) fn take_idle_now(&self, at_most: usize) -> OwnedSemaphorePermit {
        let mut idle = self.idle_now(at_most);
        self.forget_surplus(&mut idle);
        idle
    }

    /// Up to `at_most` executors that are idle at this moment.
    fn idle_now(&self, at_most: usize) -> OwnedSemaphorePermit {
        let at_most = u32::try_from(at_most).unwrap_or(u32::MAX);
        loop {
            let available = u32::try_from(self.idle.available_permits()).unwrap_or(u32::MAX);
            // Some may be kept for executors that are to retire.
            if let Ok(permits) = self.idle.clone().try_acquire_many_owned(available.min(at_most)) {
                return permits;
            }
        }
    }

    /// Lets so many runs be claimed before there is an executor for them.
    pub(super) fn claim_ahead(&self, runs: usize) {
        // Only the overseer does this.
        self.ahead_wanted.store(runs, Ordering::SeqCst);
        let more = runs.saturating_sub(self.ahead.load(Ordering::SeqCst));
        if more > 0 {
            self.ahead.fetch_add(more, Ordering::SeqCst);
            self.idle.add_permits(more);
        }
    }

    /// Forgets what there is too much of for claiming ahead, as it comes back.
    fn forget_surplus(&self, permits: &mut OwnedSemaphorePermit) {
        let (ahead, wanted) = (self.ahead.load(Ordering::SeqCst), self.ahead_wanted.load(Ordering::SeqCst));
        let surplus = ahead.saturating_sub(wanted).min(permits.num_permits());
        if let Some(surplus) = permits.split(surplus).filter(|_| surplus > 0) {
            self.ahead.fetch_sub(surplus.num_permits(), Ordering::SeqCst);
            surplus.forget();
        }
    }

    /// How many runs are handed out that no executor has begun.
    pub(super) fn backlog(&self) -> usize {
        self.line.len()
    }

    /// Hands back what no executor has begun, in its order: those of a queue in one call, since each puts its own in front.
    pub(super) fn hand_backlog_back(&self) {
        let (mut queues, mut others) = (BTreeMap::<QueueName, Vec<_>>::new(), Vec::new());
        for handout in self.line.take_all() {
            match handout {
                Handout::Perform(work, permit) => {
                    queues.entry(work.queue.clone()).or_default().push((work, permit));
                }
                Handout::Retire => others.push(handout),
            }
        }
        for handout in others {
            // A pool that is closed has no executor left to retire.
            let _ = self.line.put(handout);
        }
        for (queue, works) in queues {
            let desk = self.desk.clone();
            self.tasks.spawn(async move {
                // One that was lost or handed back in the meantime is not ours any more.
                let ours = works.iter().map(|(work, _)| &work.claim);
                let ours = ours.filter(|claim| desk.held.settling(&queue, &claim.token));
                let settlements: Vec<_> = ours
                    .map(|claim| Settlement {
                        id: claim.id.clone(),
                        token: claim.token.clone(),
                        fate: Fate::HandBack,
                    })
                    .collect();
                for settlement in &settlements {
                    let (queue, id) = (queue.clone(), settlement.id.clone());
                    desk.events.emit(|| Event::HandedBack { queue, id });
                }
                let endings = vec![Ending::HandedBack; settlements.len()];
                settler::settle_queue(&desk, &queue, &settlements, &endings).await;
            });
        }
    }

    pub(super) fn hand_out(&self, work: Work, permit: OwnedSemaphorePermit) {
        self.line
            .put(Handout::Perform(Arc::new(work), permit))
            .expect("only the overseer closes it, and claims nothing then");
    }

    /// Puts runs off, and only then hands out the one that is to be performed without them.
    pub(super) fn part(
        self: &Arc<Self>,
        queue: &QueueName,
        put_off: Vec<Work>,
        apart: Option<(Work, OwnedSemaphorePermit)>,
    ) {
        if put_off.is_empty() && apart.is_none() {
            return;
        }
        let (pool, queue) = (self.clone(), queue.clone());
        self.tasks.spawn(async move {
            last_chance::put_off(&pool.desk, &queue, &put_off).await;
            let Some((work, permit)) = apart else { return };
            // The pool may have been closed meanwhile.
            let handed = pool.line.put(Handout::Perform(Arc::new(work), permit));
            if let Err(Handout::Perform(work, _permit)) = handed {
                pool.executor.hand_back(&work).await;
            }
        });
    }

    /// Hands a run back that was claimed for an executor that is not idle any more.
    pub(super) fn hand_back(&self, work: Work) {
        let executor = self.executor.clone();
        self.tasks.spawn(async move { executor.hand_back(&work).await });
    }

    /// Has executors begin nothing more.
    pub(super) fn hold(&self) {
        self.line.hold();
    }

    /// The same, once what this answers is dropped.
    pub(super) fn hold_in_the_end(&self) -> impl Drop + use<> {
        Hold(self.line.clone())
    }

    /// Gets ready for executors, which have the threads of this runtime.
    pub(super) fn begin(&self, companions: &TaskTracker) {
        self.line.has_threads(Handle::current().metrics().num_workers());
        let (line, leave) = (self.line.clone(), self.desk.leave.clone());
        companions.spawn(async move { leave.run_until_cancelled(line.watch()).await });
    }

    /// Closes the pool and waits until every executor is done with its run.
    pub(super) async fn drain(&self) {
        self.line.close();
        self.hand_backlog_back();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// One executor, and another one in its place whenever it dies.
    async fn keep_one(self: Arc<Self>) {
        loop {
            let current = Arc::new(Mutex::new(None));
            let mut executor = tokio::spawn(work(self.executor.clone(), self.line.clone(), current.clone()));
            let Some(ended) = self.desk.leave.run_until_cancelled(&mut executor).await else {
                executor.abort();
                return;
            };
            let Err(died) = ended else { return };
            let reason = died.try_into_panic().map_or_else(|_| "it was aborted".into(), message_of);
            let overseer = self.desk.overseer.clone();
            let told = reason.clone();
            self.desk.events.emit(|| Event::ExecutorDied { overseer, reason: told });
            let work: Option<Arc<Work>> = current.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(work) = work {
                self.executor.fail(&work, format!("its executor died: {reason}")).await;
            }
        }
    }
}

/// Holds its line when it is dropped.
struct Hold(Arc<Line<Handout>>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.hold();
    }
}

/// The words of a panic that may panic once more when it is dropped.
fn message_of(panic: Box<dyn std::any::Any + Send>) -> String {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic_message(panic)))
        .unwrap_or_else(|_| "a panic that panicked when it was dropped".into())
}

/// Performs what is handed out, until the pool closes or this executor is to retire.
async fn work(executor: Executor, line: Arc<Line<Handout>>, current: Arc<Mutex<Option<Arc<Work>>>>) {
    let set = |work| *current.lock().unwrap_or_else(PoisonError::into_inner) = work;
    let mut taker = Taker::new(&line);
    while let Some(Handout::Perform(work, permit)) = taker.take().await {
        set(Some(work.clone()));
        let mut run = pin!(executor.execute(&work));
        poll_fn(|context| {
            let polled = run.as_mut().poll(context);
            if polled.is_pending() {
                taker.step_aside();
            }
            polled
        })
        .await;
        set(None);
        drop(permit);
    }
}
