//! The jobs of these tests. Each writes into the [`Log`] what it did.

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

/// Writes each second.
#[job(queue = "ticks", state(Log), every = "1s")]
pub(crate) struct Tick;

impl Perform for Tick {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("tick");
        Ok(())
    }
}
