//! Two jobs that do nothing but note that they did, and the tally of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mosquito::{Context, Flow, Job, JobResult, Perform, Priority, job};
use tokio::sync::Notify;

/// A job of which runs are told apart by number.
pub(crate) trait Numbered: Job {
    /// Which kind of runs these are.
    const KIND: &'static str;
    /// Of so many tenants each has a concurrency limit.
    fn number(number: usize) -> Self;
    /// Changes how a run flows, beyond what its job declares.
    fn adjust(&self, flow: &mut Flow);
}

/// Nothing goes before it but what came first, and nothing holds it up.
#[job(queue = "plain", state(Tally))]
pub(crate) struct Plain {
    number: usize,
}

/// Has a key of its own, one of three priorities, and the limit of its tenant, which is wide enough.
#[job(queue = "flowing", state(Tally), unique(by = [number]), concurrency(limit = 100, by = [tenant]))]
pub(crate) struct Flowing {
    number: usize,
    tenant: usize,
}

impl Perform for Plain {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Tally>().note(self.number);
        Ok(())
    }
}

impl Perform for Flowing {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Tally>().note(self.number);
        Ok(())
    }
}

impl Numbered for Plain {
    const KIND: &'static str = "plain";

    fn number(number: usize) -> Self {
        Self { number }
    }

    fn adjust(&self, _: &mut Flow) {}
}

impl Numbered for Flowing {
    const KIND: &'static str = "with unique, limit and priority";

    fn number(number: usize) -> Self {
        Self { number, tenant: number % 1_000 }
    }

    fn adjust(&self, flow: &mut Flow) {
        flow.priority = [Priority::FIRST, Priority::NORMAL, Priority::LAST][self.number % 3];
    }
}

/// Which numbers were performed.
pub(crate) struct Tally {
    seen: Vec<AtomicBool>,
    left: AtomicUsize,
    all: Arc<Notify>,
}

impl Tally {
    /// Of so many runs; it tells when all were performed.
    pub(crate) fn of(runs: usize, all: Arc<Notify>) -> Self {
        let seen = (0..runs).map(|_| AtomicBool::new(false)).collect();
        Self { seen, left: AtomicUsize::new(runs), all }
    }

    fn note(&self, number: usize) {
        let seen_before = self.seen[number].swap(true, Ordering::Relaxed);
        if !seen_before && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.all.notify_one();
        }
    }
}
