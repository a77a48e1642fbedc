//! The jobs of these tests. Each writes what it does into the [`Log`].

use std::time::Duration;

use mosquito::{Context, JobError, JobResult, Perform, PerformBlocking, job};

use crate::working::Log;

/// Writes its word, its attempt and its queue.
#[job(queue = "notes", state(Log))]
#[derive(Debug)]
pub(crate) struct Note {
    pub(crate) word: String,
}

impl Perform for Note {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(format!("{} {} {}", self.word, cx.attempt(), cx.queue()));
        Ok(())
    }
}

/// Ends in the way it is told.
#[job(queue = "ends", state(Log), retry(attempts = 3, backoff = fixed("10s"), jitter = 0.0), timeout = "5s")]
pub(crate) struct End {
    pub(crate) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum How {
    Succeed,
    Fail,
    Panic,
    Hang,
    RetryIn,
    Dead,
    Discard,
    Snooze,
    KillExecutor,
    FailByHook,
    RefuseBefore,
    HangBefore,
}

impl Perform for End {
    async fn before(&self, cx: &Context<Self>) -> JobResult {
        match self.how {
            How::RefuseBefore => Err(JobError::discard("refused before it began")),
            How::HangBefore => std::future::pending().await,
            _ => {
                cx.state::<Log>().write(format!("before {:?}", self.how));
                Ok(())
            }
        }
    }

    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(format!("perform {:?} {}", self.how, cx.attempt()));
        match self.how {
            How::Succeed => Ok(()),
            How::Fail | How::FailByHook => Err("no number".parse::<u8>().expect_err("it is none").into()),
            How::Panic => panic!("on purpose: {}", cx.attempt()),
            How::Hang => std::future::pending().await,
            How::RetryIn => Err(JobError::retry_in(Duration::from_secs(77))),
            How::Dead => Err(JobError::dead("not worth another try")),
            How::Discard => Err(JobError::discard("nothing to do")),
            How::Snooze => Err(JobError::snooze(Duration::from_secs(55))),
            How::KillExecutor => std::panic::panic_any(Grenade),
            How::RefuseBefore | How::HangBefore => unreachable!("it did not come so far"),
        }
    }

    async fn after(&self, cx: &Context<Self>, result: &JobResult) {
        let told = result.as_ref().map_or_else(|error| error.to_string(), |()| "ok".into());
        cx.state::<Log>().write(format!("after {:?}: {told}", self.how));
    }

    fn retry_after(&self, attempt: u32, _error: &JobError) -> Option<Duration> {
        (self.how == How::FailByHook).then_some(Duration::from_secs(100 * u64::from(attempt)))
    }
}

/// Panics when it is dropped: what a job's panic leaves behind then kills its executor.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("the panic's own words panicked");
    }
}

/// Is performed until its token fires, and then gives up or goes on, as told.
#[job(queue = "long", state(Log))]
pub(crate) struct Long {
    pub(crate) heeds_its_token: bool,
}

impl Perform for Long {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(format!("long {}", cx.attempt()));
        cx.token().cancelled().await;
        cx.state::<Log>().write("token fired");
        if self.heeds_its_token {
            return Err("told to end".into());
        }
        std::future::pending().await
    }
}

/// Holds its thread for a time, also when its token fires.
#[job(queue = "threads", state(Log), blocking, timeout = "200ms", retry(attempts = 1))]
pub(crate) struct HoldThread {
    pub(crate) milliseconds: u64,
}

impl PerformBlocking for HoldThread {
    fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("thread held");
        std::thread::sleep(Duration::from_millis(self.milliseconds));
        cx.state::<Log>().write(format!("thread given back, token fired: {}", cx.is_cancelled()));
        Ok(())
    }
}

/// Holds a thread of the runtime, as a job never should.
#[job(queue = "rude", state(Log))]
pub(crate) struct Rude {
    pub(crate) milliseconds: u64,
}

impl Perform for Rude {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(format!("rude {}", cx.attempt()));
        std::thread::sleep(Duration::from_millis(self.milliseconds));
        Ok(())
    }
}

/// Enqueues a note from within.
#[job(queue = "chains")]
pub(crate) struct Chain;

impl Perform for Chain {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let enqueued = cx.enqueue(Note { word: "from within".into() }).await?;
        assert!(enqueued.is_new());
        Ok(())
    }
}

/// A state that no runner of these tests provides, but one.
pub(crate) struct Rare;

/// Needs a state that is hardly ever there.
#[job(queue = "rare", state(Rare))]
pub(crate) struct NeedsRare;

impl Perform for NeedsRare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// Ticks each second, and none of its ticks is given up.
#[job(queue = "ticks", every = "1s", missed = "all", overlap = "allow", state(Log))]
pub(crate) struct EachSecond;

impl Perform for EachSecond {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let tick = cx.tick().expect("a periodic run has a tick");
        cx.state::<Log>().write(tick.timestamp_millis().to_string());
        Ok(())
    }
}

/// A periodic job with arguments: those of its default.
#[job(queue = "greetings", cron = "0 6 * * MON-FRI", timezone = "Europe/Berlin", state(Log))]
pub(crate) struct MorningGreeting {
    pub(crate) name: String,
}

impl Default for MorningGreeting {
    fn default() -> Self {
        Self { name: "Ada".into() }
    }
}

impl Perform for MorningGreeting {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write(format!("good morning {}", self.name));
        Ok(())
    }
}

/// A blocking job whose after hook panics.
#[job(queue = "threads", state(Log), blocking)]
pub(crate) struct PanicAfterwards {
    pub(crate) perform_panics_too: bool,
}

impl PerformBlocking for PanicAfterwards {
    fn perform(&self, _: &Context<Self>) -> JobResult {
        assert!(!self.perform_panics_too, "on purpose");
        Ok(())
    }

    fn after(&self, cx: &Context<Self>, result: &JobResult) {
        cx.state::<Log>().write(format!("after, ok: {}", result.is_ok()));
        panic!("on purpose");
    }
}

/// A periodic job that cannot be made.
#[job(queue = "unmakeable", every = "1s")]
pub(crate) struct Unmakeable {
    pub(crate) word: String,
}

impl Default for Unmakeable {
    fn default() -> Self {
        panic!("on purpose");
    }
}

impl Perform for Unmakeable {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        unreachable!("there is no {}", self.word)
    }
}
