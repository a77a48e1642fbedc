//! The jobs of these tests.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::serde_json::{Value, from_value};
use mosquito::{Context, JobError, JobResult, Mosquito, Perform, PerformBlocking, Upgrade, job};

/// Where jobs write down what they did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

#[job(queue = "mail", state(Diary))]
#[derive(Debug, PartialEq)]
pub(crate) struct SendWelcome {
    pub(crate) user_id: u64,
    pub(crate) template: String,
}

impl Perform for SendWelcome {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Diary>().write(format!("welcome {} {}", self.user_id, self.template));
        Ok(())
    }
}

/// Fails until its third attempt.
#[job(queue = "charges", retry(attempts = 4, backoff = exponential("1h"), jitter = 0.5))]
pub(crate) struct Charge {
    pub(crate) succeeds_at: u32,
}

impl Perform for Charge {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if cx.attempt() < self.succeeds_at { Err("the bank is closed".into()) } else { Ok(()) }
    }
}

/// Ends as it is told.
#[job]
pub(crate) struct End(pub(crate) String);

impl Perform for End {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        match &*self.0 {
            "well" => Ok(()),
            "dead" => Err(JobError::dead("no use")),
            "discarded" => Err(JobError::discard("too late")),
            "snoozed" => Err(JobError::snooze(Duration::from_secs(60))),
            "panicked" => panic!("on purpose"),
            other => Err(other.into()),
        }
    }
}

/// Enqueues another of itself until it is at zero.
#[job(queue = "countdown")]
pub(crate) struct CountDown {
    pub(crate) from: u32,
}

impl Perform for CountDown {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        if let Some(from) = self.from.checked_sub(1) {
            cx.enqueue(Self { from }).await?;
        }
        Ok(())
    }
}

/// Enqueues by a client that it was given, not by its context.
#[job(queue = "countdown", state(Mosquito, Diary))]
pub(crate) struct CountDownByClient {
    pub(crate) from: u32,
}

impl Perform for CountDownByClient {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Diary>().write(format!("begin {}", self.from));
        if let Some(from) = self.from.checked_sub(1) {
            cx.state::<Mosquito>().enqueue(Self { from }).await?;
        }
        cx.state::<Diary>().write(format!("end {}", self.from));
        Ok(())
    }
}

#[job(blocking)]
pub(crate) struct HoldThread;

impl PerformBlocking for HoldThread {
    fn perform(&self, _: &Context<Self>) -> JobResult {
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    }
}

/// On each morning, for its region.
#[job(cron = "0 6 * * *", timezone = "Europe/Berlin", args = Self { region: "eu".into() })]
pub(crate) struct DailyReport {
    region: String,
}

impl Perform for DailyReport {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        assert_eq!(self.region, "eu");
        assert!(cx.tick().is_some());
        Ok(())
    }
}

/// Was one name before.
#[job(version = 3, aliases("hello"))]
#[derive(Debug)]
pub(crate) struct Greet {
    pub(crate) first: String,
    pub(crate) last: String,
}

impl Upgrade for Greet {
    fn upgrade(from: u32, mut args: Value) -> Result<Self, JobError> {
        if from == 1 && args["name"] == "nobody" {
            return Err(JobError::discard("there is nobody to greet"));
        }
        let name: String = from_value(args["name"].take())?;
        let (first, last) = name.split_once(' ').ok_or("the name has no space")?;
        Ok(Self { first: first.into(), last: last.into() })
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Err(JobError::dead(format!("{}/{}", self.first, self.last)))
    }
}

/// Has arguments that are nobody's business.
#[job]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignIn {
    pub(crate) user: String,
    #[job(redact)]
    pub(crate) pass_word: String,
}

impl Perform for SignIn {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// The same without names.
#[job]
pub(crate) struct Unlock(u8, #[job(redact)] String);

impl Perform for Unlock {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Err(format!("door {} stays closed for {}", self.0, self.1.len()).into())
    }
}
