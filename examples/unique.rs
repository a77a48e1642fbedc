//! At most one run of the same arguments.
//!
//! ```text
//! cargo run --example unique
//! ```
//!
//! Who keeps whom away is said by the job: by which of its fields, until when, and what becomes of the second one.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Context, Enqueued, Error, JobResult, Mosquito, Perform, job};

/// One for each user, until it is finished. Whoever comes second is told which one is there.
#[job(unique(by = [user_id]))]
struct SendDigest {
    user_id: u64,
    template: String,
}

impl Perform for SendDigest {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("performed: digest for {}, {}", self.user_id, self.template);
        Ok(())
    }
}

/// Waits until nobody has changed the document for a while: each change puts it off, and gives it the new revision.
#[job(unique(by = [document], until = "start", on_conflict = "replace"))]
struct IndexDocument {
    document: String,
    revision: u32,
}

impl Perform for IndexDocument {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("performed: index of {}, revision {}", self.document, self.revision);
        Ok(())
    }
}

/// Once in two seconds for each host, however often it is asked for.
#[job(unique(by = [host], for = "2s"))]
struct RaiseAlarm {
    host: String,
}

impl Perform for RaiseAlarm {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("performed: alarm of {}", self.host);
        Ok(())
    }
}

/// A second one is a mistake.
#[job(unique(on_conflict = "reject"))]
struct CloseYear {
    year: u16,
}

impl Perform for CloseYear {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("performed: closing of {}", self.year);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;

    for (user_id, template) in [(7, "short"), (7, "long"), (8, "long")] {
        let answer = mosquito.enqueue(SendDigest { user_id, template: template.into() }).await?;
        println!("digest for {user_id}, {template}: {}", words(&answer));
    }
    for revision in 1..=3 {
        let index = IndexDocument { document: "readme".into(), revision };
        let answer = mosquito.enqueue(index).delay(Duration::from_millis(300)).await?;
        println!("index of revision {revision}: {}", words(&answer));
    }
    let alarms = mosquito.enqueue_all((0..5).map(|_| RaiseAlarm { host: "db-1".into() })).await?;
    println!("alarms: {} of 5 enqueued", alarms.iter().filter(|answer| answer.is_new()).count());

    mosquito.enqueue(CloseYear { year: 2026 }).await?;
    match mosquito.enqueue(CloseYear { year: 2026 }).await {
        Err(Error::Duplicate { job, .. }) => println!("{job}: it is being closed already"),
        other => return Err(format!("a second closing was not rejected: {other:?}").into()),
    }
    // For once, beside the other one.
    mosquito.enqueue(CloseYear { year: 2026 }).not_unique().await?;

    let runner = mosquito.runner().executors(1).build()?;
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
    Ok(())
}

fn words(answer: &Enqueued) -> &'static str {
    match answer {
        Enqueued::New(_) => "new",
        Enqueued::Duplicate(_) => "there is one already",
        Enqueued::Replaced(_) => "in the place of the one before",
    }
}
