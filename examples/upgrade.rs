//! A job changes while runs of it are waiting.
//!
//! ```text
//! cargo run --example upgrade
//! ```
//!
//! Arguments are JSON in a store, and outlive the program that wrote them. Here an old release has left some runs
//! behind, and a newer one than this has as well, as in the minutes in which a fleet is replaced, one process after the other.

use mosquito::backend::List;
use mosquito::events::Event;
use mosquito::serde_json::value::to_raw_value;
use mosquito::serde_json::{Value, from_value, json};
use mosquito::{
    Body, Context, JobError, JobName, JobResult, Mosquito, NewRun, Perform, QueueName, RunId, Upgrade, When,
    job,
};

/// Had one field `name` in version 1. Serde cannot know what becomes of it, so `Upgrade` says it.
#[job(version = 2)]
struct SendWelcome {
    first_name: String,
    last_name: String,
}

impl Upgrade for SendWelcome {
    fn upgrade(_from: u32, mut args: Value) -> Result<Self, JobError> {
        let name: String = from_value(args["name"].take())?;
        let (first, last) = name.split_once(' ').ok_or("the name has no space")?;
        Ok(Self { first_name: first.into(), last_name: last.into() })
    }
}

impl Perform for SendWelcome {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("welcome: {} of the family {}", self.first_name, self.last_name);
        Ok(())
    }
}

/// Has one field more than it had. With a default for it no version is needed.
#[job]
struct Charge {
    cents: u64,
    #[serde(default = "euros")]
    currency: String,
}

fn euros() -> String {
    "EUR".into()
}

impl Perform for Charge {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("charge: {} cents in {}", self.cents, self.currency);
        Ok(())
    }
}

/// Was called `ResizeImage`. Runs of that name are its runs.
#[job(aliases("resize_image"))]
struct MakeThumbnail {
    image: String,
}

impl Perform for MakeThumbnail {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("thumbnail: {}", self.image);
        Ok(())
    }
}

/// What another release enqueued, as it stands in the store.
async fn left_behind(
    mosquito: &Mosquito,
    id: &str,
    job: &str,
    version: u32,
    args: Value,
) -> mosquito::Result<()> {
    let (job, args) = (JobName::new(job)?, to_raw_value(&args).expect("JSON serializes"));
    let body = Body { version, ..Body::new(&job, &args) };
    let run = NewRun::new(RunId::new(id)?, When::Now, &body);
    mosquito.backend().enqueue(&QueueName::new("default")?, &[run]).await.map(drop)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    left_behind(&mosquito, "old", "send_welcome", 1, json!({ "name": "Ada Lovelace" })).await?;
    left_behind(&mosquito, "hopeless", "send_welcome", 1, json!({ "name": "Plato" })).await?;
    left_behind(&mosquito, "shorter", "charge", 1, json!({ "cents": 1200 })).await?;
    left_behind(&mosquito, "renamed", "resize_image", 1, json!({ "image": "cat.png" })).await?;
    left_behind(&mosquito, "newer", "send_welcome", 3, json!({ "user": 7, "tone": "kind" })).await?;
    mosquito.enqueue(Charge { cents: 500, currency: "CHF".into() }).await?;

    let runner = mosquito.runner().build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 6;
    while left > 0
        && let Some(event) = events.next().await
    {
        left -= usize::from(matches!(event, Event::Finished { .. }));
    }
    handle.stop();
    println!("report: {}", running.await??);

    // Neither is lost: one waits for a process that knows its version, one for somebody to look at it.
    for list in [List::Scheduled, List::Dead] {
        for run in mosquito.queue("default")?.page(list, 0, 100).await? {
            let (attempts, envelope) = (run.history.attempts, String::from_utf8_lossy(&run.envelope));
            println!("{list}: {} after {attempts} attempts: {envelope}", run.id);
            run.history.error.iter().for_each(|error| println!("  {error}"));
        }
    }
    Ok(())
}
