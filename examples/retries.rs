//! What becomes of a run that does not succeed.
//!
//! ```text
//! cargo run --example retries
//! ```
//!
//! Each run below ends its attempts in another way. The example prints what is decided after each attempt,
//! and in the end the runs that are dead, which an operator would look at.

use std::error::Error;
use std::time::Duration;

use mosquito::backend::{Fate, List};
use mosquito::events::Event;
use mosquito::{Context, JobError, JobResult, Mosquito, Outcome, Perform, RunId, job};

/// Waits 100 ms after the first failure, 200 ms after the second; after the third it is dead.
#[job(retry(attempts = 3, backoff = exponential("100ms"), jitter = 0.0), timeout = "200ms")]
struct Deliver {
    parcel: String,
}

impl Perform for Deliver {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        match (self.parcel.as_str(), cx.attempt()) {
            // Any error is tried again as the attribute says.
            ("fails-each-time", _) => "42 parcels".parse::<u32>().map(drop)?,
            ("fails-once", 1) => return Err("nobody is at home".into()),
            ("panics-once", 1) => panic!("this job has a bug"),
            ("takes-too-long-once", 1) => tokio::time::sleep(Duration::from_secs(3600)).await,
            // The job knows better when to try again.
            ("asks-for-another-wait", 1) => return Err(JobError::retry_in(Duration::from_millis(50))),
            // No attempt would help: for somebody to look at, or for nobody.
            ("is-given-up", _) => return Err(JobError::dead("there is no such address")),
            ("is-dropped", _) => return Err(JobError::discard("it was cancelled by the sender")),
            _ => (),
        }
        Ok(())
    }
}

/// Always waits as long, unless the error tells that another wait is better.
#[job(retry(attempts = 4, backoff = fixed("100ms"), jitter = 0.0))]
struct Call;

impl Perform for Call {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        match cx.attempt() {
            1 => Err("no answer".into()),
            2 => Err("the line is busy".into()),
            _ => Ok(()),
        }
    }

    fn retry_after(&self, _attempt: u32, error: &JobError) -> Option<Duration> {
        error.to_string().contains("busy").then_some(Duration::from_millis(30))
    }
}

/// Is put off until its time has come, which uses up none of its attempts, and so needs no more than one.
#[job(retry(attempts = 1))]
struct Open;

impl Perform for Open {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let waited = chrono::Utc::now() - cx.enqueued_at();
        if waited.num_milliseconds() < 1_000 {
            Err(JobError::snooze(Duration::from_millis(500)))
        } else {
            Ok(())
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    let parcels = [
        "fails-each-time",
        "fails-once",
        "panics-once",
        "takes-too-long-once",
        "asks-for-another-wait",
        "is-given-up",
        "is-dropped",
    ];
    for parcel in parcels {
        mosquito.enqueue(Deliver { parcel: parcel.into() }).id(RunId::new(parcel)?).await?;
    }
    mosquito.enqueue(Call).id(RunId::new("knows-how-long-to-wait")?).await?;
    mosquito.enqueue(Open).id(RunId::new("is-put-off")?).await?;

    let runner = mosquito.runner().build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = parcels.len() + 2;
    while left > 0
        && let Some(event) = events.next().await
    {
        let Event::Finished { id, attempt, outcome, fate, .. } = event else { continue };
        let becomes = match fate {
            Fate::Forget => "gone".into(),
            Fate::Reschedule { delay, .. } => format!("again in {delay:?}"),
            Fate::Banish { .. } => "dead".into(),
            Fate::HandBack => "handed back".into(),
        };
        println!("{id:22} attempt {attempt} {}: {becomes}", words(&outcome));
        if matches!(fate, Fate::Forget | Fate::Banish { .. }) {
            left -= 1;
        }
    }
    handle.stop();
    println!("report: {}", running.await??);

    for run in mosquito.queue("default")?.page(List::Dead, 0, 100).await? {
        let error = run.history.error.unwrap_or_default();
        println!("dead: {} after {} attempts: {error}", run.id, run.history.attempts);
    }
    Ok(())
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Succeeded => "succeeded".into(),
        Outcome::Failed { error, .. } => format!("failed ({error})"),
        Outcome::GivenUp(reason) => format!("gave up ({reason})"),
        Outcome::Discarded(reason) => format!("dropped it ({reason})"),
        Outcome::Snoozed(delay) => format!("put it off by {delay:?}"),
        other => format!("ended: {other:?}"),
    }
}
