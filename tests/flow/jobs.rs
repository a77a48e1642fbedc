//! Jobs that flow in their own ways.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mosquito::{Context, JobResult, Perform, job};

macro_rules! performed {
    ($($job:ident),* $(,)?) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

performed! {
    Digest, Index, Refresh, Import, Call, Upload, Download, Export, Notice, Alert, Tick, Urgent, Lazy
}

/// One for a user, whatever its text.
#[job(queue = "unique", unique(by = [user]))]
pub(crate) struct Digest {
    pub(crate) user: u64,
    pub(crate) text: String,
}

/// Debounced: what is delayed and comes again is put off, with the new revision.
#[job(queue = "unique", unique(by = [document], until = "start", on_conflict = "replace"))]
pub(crate) struct Index {
    pub(crate) document: u64,
    pub(crate) revision: u64,
}

/// Throttled: once a minute.
#[job(queue = "unique", unique(by = [document], for = "1m"))]
pub(crate) struct Refresh {
    pub(crate) document: u64,
}

#[job(queue = "unique", unique(on_conflict = "reject"))]
pub(crate) struct Import {
    pub(crate) account: u64,
}

#[job(queue = "calls", rate_limit(limit = 10, per = "1m", by = [tenant], weight = pages))]
pub(crate) struct Call {
    pub(crate) tenant: String,
    pub(crate) pages: u32,
}

#[job(queue = "transfers", rate_limit(limit = 2, per = "1h", key = "api", kind = "fixed"))]
pub(crate) struct Upload {
    pub(crate) file: u64,
}

#[job(queue = "transfers", rate_limit(limit = 2, per = "1h", key = "api", kind = "fixed"))]
pub(crate) struct Download {
    pub(crate) file: u64,
}

#[job(queue = "many", priority = 1, rate_limit(limit = 1, per = "1h", key = "each", by = [tenant]))]
pub(crate) struct Urgent {
    pub(crate) tenant: u64,
}

#[job(queue = "many", rate_limit(limit = 1, per = "1h", key = "each", by = [tenant]))]
pub(crate) struct Lazy {
    pub(crate) tenant: u64,
}

#[job(queue = "exports", fair(by = [tenant], weight = self.tenant.len()))]
pub(crate) struct Export {
    pub(crate) tenant: String,
    pub(crate) number: u64,
}

#[job(queue = "notices", priority = 7)]
pub(crate) struct Notice {
    pub(crate) number: u64,
}

#[job(queue = "alerts", expires = "10m", unique)]
pub(crate) struct Alert {
    pub(crate) number: u64,
}

/// Fails at its first attempt, and is tried again after an hour.
#[job(queue = "alerts", expires = "10m", retry(backoff = fixed("1h"), jitter = 0))]
pub(crate) struct Flaky;

impl Perform for Flaky {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if cx.attempt() == 1 { Err("not yet".into()) } else { Ok(()) }
    }
}

/// Once an hour, and not later than half an hour after.
#[job(queue = "ticks", every = "1h", expires = "30m", unique(by = [name]), args = Self { name: "tick".into() })]
pub(crate) struct Tick {
    pub(crate) name: String,
}

/// How many are performed at once, and how many were at most.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// Takes a while, two at once for each tenant.
#[job(queue = "work", concurrency(limit = 2, by = [tenant]), state(std::sync::Arc<Gauge>))]
pub(crate) struct Work {
    pub(crate) tenant: String,
}

impl Perform for Work {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let gauge = cx.state::<std::sync::Arc<Gauge>>();
        let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
        gauge.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        gauge.now.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}
