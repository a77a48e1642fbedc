//! The jobs of a worker that faults are tried on. Each writes into the journal when it begins and when it is at its end.

use std::time::{Duration, Instant};

use mosquito::{Context, JobError, JobResult, Perform, RunId, Upgrade, job};
use mosquito_tests::journal::{Fact, Journal};
use mosquito_tests::{die, flow_of};

/// Lasts for so many milliseconds, whatever its token says.
#[job(queue = "work", state(Journal))]
pub(crate) struct Work {
    pub(crate) pause: u64,
}

impl Perform for Work {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        tokio::time::sleep(Duration::from_millis(self.pause)).await;
        ended(cx);
        Ok(())
    }
}

/// The same, in the partition of its user.
#[job(queue("events", partitions = 4, by = [user]), state(Journal))]
pub(crate) struct Track {
    pub(crate) user: u8,
    pub(crate) pause: u64,
}

impl Perform for Track {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        tokio::time::sleep(Duration::from_millis(self.pause)).await;
        ended(cx);
        Ok(())
    }
}

/// Waits at its first attempt for its token, and gives up then; is done at once at any other.
#[job(queue = "work", state(Journal), retry(attempts = 100, backoff = fixed("100ms")))]
pub(crate) struct Heeding;

impl Perform for Heeding {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        if cx.attempt() == 1 {
            cx.token().cancelled().await;
            cx.state::<Journal>().note(Fact::Cancelled, cx.id(), cx.attempt());
            return Err("told to end".into());
        }
        ended(cx);
        Ok(())
    }
}

/// Fails up to its attempt of a number, and succeeds then.
#[job(queue = "work", state(Journal), retry(attempts = 100, backoff = fixed("100ms")))]
pub(crate) struct Flaky {
    pub(crate) succeeds_at: u32,
}

impl Perform for Flaky {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        if cx.attempt() < self.succeeds_at {
            cx.state::<Journal>().note(Fact::Failed, cx.id(), cx.attempt());
            return Err("not yet".into());
        }
        ended(cx);
        Ok(())
    }
}

/// Cannot be done.
#[job(queue = "work", state(Journal))]
pub(crate) struct Hopeless;

impl Perform for Hopeless {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        cx.state::<Journal>().note(Fact::Failed, cx.id(), cx.attempt());
        Err(JobError::dead("cannot be done"))
    }
}

/// Enqueues another run, one at each attempt.
#[job(queue = "work", state(Journal))]
pub(crate) struct Parent;

impl Perform for Parent {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        let child = RunId::new(format!("child-of-{}-{}", cx.id(), cx.attempt()))?;
        let flow = flow_of(&child).unwrap_or_default();
        let _enqueued = cx.enqueue(Work { pause: 5 }).id(child.clone()).flow(|its| *its = flow).await?;
        cx.state::<Journal>().note(Fact::Enqueued, child, 0_u64);
        ended(cx);
        Ok(())
    }
}

/// Kills its process.
#[job(queue = "work", state(Journal))]
pub(crate) struct Poison {
    pub(crate) how: Ending,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Ending {
    Abort,
    Kill,
}

impl Perform for Poison {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        // So that the others of its batch have begun, too.
        tokio::time::sleep(Duration::from_millis(100)).await;
        match self.how {
            Ending::Abort => {
                cx.state::<Journal>().note(Fact::Died, "-", 6_u64);
                std::process::abort()
            }
            Ending::Kill => die(cx.state()),
        }
    }
}

/// Computes without end in sight, on a thread of the runtime, which it should not.
#[job(queue = "work", state(Journal))]
pub(crate) struct Hog {
    pub(crate) pause: u64,
}

impl Perform for Hog {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(self.pause) {
            std::hint::black_box((0..10_000_u64).sum::<u64>());
        }
        ended(cx);
        Ok(())
    }
}

/// A job that the release before did not have.
#[job(queue = "work", state(Journal))]
pub(crate) struct Parcel;

impl Perform for Parcel {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        ended(cx);
        Ok(())
    }
}

/// A job whose arguments the release before wrote in another way: it had no stamp.
#[job(queue = "work", state(Journal), version = 2)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) stamp: u32,
}

impl Upgrade for Letter {
    fn upgrade(from: u32, args: serde_json::Value) -> Result<Self, JobError> {
        let to = args["to"].as_str().ok_or_else(|| format!("version {from} has an addressee"))?;
        Ok(Self { to: to.into(), stamp: 1 })
    }
}

impl Perform for Letter {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        if self.to.is_empty() || self.stamp == 0 {
            return Err(JobError::dead("it cannot be sent"));
        }
        ended(cx);
        Ok(())
    }
}

/// Comes each second.
#[job(
    queue = "ticks",
    every = "1s",
    missed = "all",
    overlap = "allow",
    priority = 2,
    concurrency(limit = 10_000, key = "wide"),
    state(Journal)
)]
pub(crate) struct Tick;

impl Perform for Tick {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        began(cx);
        ended(cx);
        Ok(())
    }
}

fn began<J: mosquito::NeedsState<Journal>>(cx: &Context<J>) {
    cx.state::<Journal>().note(Fact::Began, cx.id(), cx.attempt());
}

fn ended<J: mosquito::NeedsState<Journal>>(cx: &Context<J>) {
    cx.state::<Journal>().note(Fact::Ended, cx.id(), cx.attempt());
}
