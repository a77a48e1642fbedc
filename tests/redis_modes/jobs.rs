//! The jobs of these tests. Each writes into the [`Log`] what it did.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::{Context, JobResult, Perform, job};

use crate::crew::Log;

/// Writes its word.
#[job(queue = "notes", state(Log), retry(attempts = 50, backoff = fixed("200ms")))]
pub(crate) struct Note {
    pub(crate) word: String,
}

impl Perform for Note {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(&self.word);
        Ok(())
    }
}

/// Writes when it begins and when it ends.
#[job(queue = "notes", state(Log))]
pub(crate) struct Long {
    pub(crate) word: String,
    pub(crate) seconds: u64,
}

impl Perform for Long {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(&format!("{} began", self.word));
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        cx.state::<Log>().write(&format!("{} ended", self.word));
        Ok(())
    }
}

/// Fails at its first attempt, and writes its attempt at the second.
#[job(queue = "notes", state(Log), retry(attempts = 5, backoff = fixed("300ms")))]
pub(crate) struct Twice {}

impl Perform for Twice {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if cx.attempt() == 1 {
            return Err("not at the first attempt".into());
        }
        cx.state::<Log>().write(&format!("attempt {}", cx.attempt()));
        Ok(())
    }
}

/// Of a queue that stands on another node of three than the list of queues.
#[job(queue = "mail", state(Log))]
pub(crate) struct Letter;

impl Perform for Letter {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("letter");
        Ok(())
    }
}

/// Writes each second.
#[job(queue = "ticks", state(Log), every = "1s")]
pub(crate) struct Tick;

impl Perform for Tick {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("tick");
        Ok(())
    }
}

/// Into the partition of its user, one at a time for each.
#[job(
    queue("events", partitions = 8, by = [user]),
    concurrency(limit = 1, by = [user]),
    state(Steps)
)]
pub(crate) struct Serial {
    pub(crate) user: u64,
    pub(crate) number: u64,
}

/// Into the partition of its user, with nothing that would hold it up.
#[job(queue("events", partitions = 8, by = [user]), state(Steps))]
pub(crate) struct Step {
    pub(crate) user: u64,
    pub(crate) number: u64,
}

/// What was performed of which user, in the order in which it began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(pub(crate) Arc<Mutex<BTreeMap<u64, Vec<u64>>>>);

impl Steps {
    fn write(&self, user: u64, number: u64) {
        self.0.lock().expect("no job panics with it").entry(user).or_default().push(number);
    }
}

impl Perform for Serial {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Steps>().write(self.user, self.number);
        Ok(())
    }
}

impl Perform for Step {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Steps>().write(self.user, self.number);
        Ok(())
    }
}
