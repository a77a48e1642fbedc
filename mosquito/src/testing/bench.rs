//! Where a test's runs are performed, one after the other.
//!
//! One at a time: whoever finds runs being performed leaves a note, and they are performed next. So a job that is performed
//! inline may enqueue through any client of its store, and waits for nothing.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{Backend, Scope};
use crate::clock::{Clock, Timestamp, millis};
use crate::error::Result;
use crate::job::{Witness, parts};
use crate::job_run::NewRun;
use crate::name::QueueName;
use crate::runners::ByHand;
use crate::testing::{Drained, Performed};

/// How many attempts are remembered.
const REMEMBERED: usize = 10_000;

/// How many attempts may be made at one moment, unless a drain is told otherwise: more look like a job that enqueues
/// itself without end.
pub(super) const MOMENT_LIMIT: usize = 10_000;

#[derive(Debug)]
pub(super) struct Bench {
    backend: Arc<dyn Backend>,
    clock: Clock,
    by_hand: tokio::sync::Mutex<ByHand>,
    inline: bool,
    /// Something was enqueued inline, and not looked after yet.
    asked: AtomicBool,
    performed: Mutex<VecDeque<Performed>>,
}

/// What is to be performed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// One queue's runs, or everything.
    pub(super) queue: Option<QueueName>,
    /// How many attempts at one moment.
    pub(super) limit: usize,
}

impl Bench {
    pub(super) fn new(backend: Arc<dyn Backend>, clock: Clock, by_hand: ByHand, inline: bool) -> Self {
        let by_hand = tokio::sync::Mutex::new(by_hand);
        let (asked, performed) = (AtomicBool::new(false), Mutex::default());
        Self { backend, clock, by_hand, inline, asked, performed }
    }

    /// Looks at each schedule for the first time: its ticks count from now on.
    pub(super) async fn begin(&self) -> Result<()> {
        self.by_hand.lock().await.tick().await.map(drop)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn advance(&self, time: Duration) {
        self.clock.step(millis(time));
    }

    pub(super) fn performed(&self) -> Vec<Performed> {
        self.lock().iter().cloned().collect()
    }

    /// Performs what is due now.
    pub(super) async fn drain(&self, plan: &Plan) -> Result<Drained> {
        let mut drained = Drained::default();
        let mut by_hand = self.by_hand.lock().await;
        self.drain_moment(&mut by_hand, plan, &mut drained).await?;
        drop(by_hand);
        self.catch_up().await?;
        Ok(drained)
    }

    /// Performs what is due now, then what is due next at its own time, and so on until so much time has passed.
    pub(super) async fn run_for(&self, time: Duration, plan: &Plan) -> Result<Drained> {
        let mut drained = Drained::default();
        let mut by_hand = self.by_hand.lock().await;
        let end = crate::clock::after(self.now(), time);
        loop {
            let next = self.drain_moment(&mut by_hand, plan, &mut drained).await?;
            let now = self.now();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.clock.step((end - now).num_milliseconds());
                drop(by_hand);
                self.catch_up().await?;
                return Ok(drained);
            };
            // What was due in less than a millisecond has to wait for one.
            self.clock.step((next - now).num_milliseconds().max(1));
        }
    }

    /// Performs a run that was not enqueued, and in inline mode what it enqueued.
    pub(super) async fn perform(&self, queue: &QueueName, run: &NewRun, attempt: u32) -> Result<Performed> {
        let attempted = self.by_hand.lock().await.perform(queue, run, attempt, self.now()).await?;
        let performed = Performed::of(attempted);
        self.remember(performed.clone());
        if self.inline {
            self.enqueued().await?;
        }
        Ok(performed)
    }

    /// Performs what was enqueued inline.
    async fn enqueued(&self) -> Result<()> {
        self.asked.store(true, Ordering::SeqCst);
        self.catch_up().await
    }

    /// Performs what was enqueued inline while the bench was taken.
    async fn catch_up(&self) -> Result<()> {
        let plan = Plan { queue: None, limit: MOMENT_LIMIT };
        // Whoever finds the bench taken leaves it to the one who has it, who looks again after leaving it.
        while self.asked.load(Ordering::SeqCst)
            && let Ok(mut by_hand) = self.by_hand.try_lock()
        {
            self.asked.store(false, Ordering::SeqCst);
            self.drain_moment(&mut by_hand, &plan, &mut Drained::default()).await?;
        }
        Ok(())
    }

    /// Performs what is due, and what is enqueued by that, until nothing is; answers when something will be.
    async fn drain_moment(
        &self,
        by_hand: &mut ByHand,
        plan: &Plan,
        drained: &mut Drained,
    ) -> Result<Option<Timestamp>> {
        let begin = drained.runs.len();
        loop {
            let before = drained.runs.len() + drained.expired;
            let mut next = match plan.queue {
                None => by_hand.tick().await?,
                Some(_) => None,
            };
            let queues = match &plan.queue {
                None => self.backend.queues().await?,
                Some(queue) => parts(&*self.backend, queue).await?,
            };
            for queue in queues {
                by_hand.promote(&queue).await?;
                while let Some(attempted) = by_hand.perform_next(&queue, &mut drained.expired).await? {
                    let performed = Performed::of(attempted);
                    self.remember(performed.clone());
                    drained.count(performed);
                    refuse_more_than(plan.limit, &drained.runs[begin..]);
                }
                // Behind the claims: one that was over a rate limit knows only now when there is room.
                let due = by_hand.promote(&queue).await?.map(|wait| crate::clock::after(self.now(), wait));
                let resumes =
                    self.backend.paused(&Scope::from(&queue)).await?.and_then(|paused| paused.until);
                next = next.into_iter().chain(due).chain(resumes).min();
            }
            if drained.runs.len() + drained.expired == before {
                return Ok(next);
            }
        }
    }

    fn remember(&self, performed: Performed) {
        let mut all = self.lock();
        if all.len() == REMEMBERED {
            all.pop_front();
        }
        all.push_back(performed);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Performed>> {
        // Whoever panicked while it was locked left a whole entry or none.
        self.performed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refuse_more_than(limit: usize, runs: &[Performed]) {
    if runs.len() > limit {
        let (last, count) = (runs.last().map(Performed::name).unwrap_or_default(), runs.len());
        let same = runs.iter().filter(|run| run.name() == last).count();
        panic!(
            "{count} runs were performed at one moment, {same} of them of `{last}`, and there are more: does a job enqueue \
             itself, or put itself off for no time, without end? If not, raise the limit: `.limit({})`",
            10 * limit
        );
    }
}

/// The bench that performs inline what a client enqueues: there is a client first, since states may be made of it.
#[derive(Debug, Default)]
pub(super) struct Inline(OnceLock<Weak<Bench>>);

impl Inline {
    pub(super) fn is_at(&self, bench: &Arc<Bench>) {
        self.0.get_or_init(|| Arc::downgrade(bench));
    }
}

#[async_trait]
impl Witness for Inline {
    async fn enqueued(&self) -> Result<()> {
        match self.0.get().and_then(Weak::upgrade) {
            Some(bench) => bench.enqueued().await,
            None => Ok(()),
        }
    }
}
