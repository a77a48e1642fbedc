//! Pausing a queue, a job, and everything: with a reason, for a time, and without ticks that pile up.
//!
//! ```text
//! cargo run --example pause
//! ```

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Sends mail to somebody.
#[job(queue = "mail")]
struct SendMail {
    to: String,
}

impl Perform for SendMail {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("mail to {}", self.to);
        Ok(())
    }
}

/// Sends news to everybody.
#[job(queue = "mail")]
struct SendNews;

impl Perform for SendNews {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("news to everybody");
        Ok(())
    }
}

/// Ticks ten times a second, whether or not the run before has ended.
#[job(queue = "pulse", every = "100ms", overlap = "allow")]
struct Pulse;

impl Perform for Pulse {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    let mut events = mosquito.events();
    let runner = mosquito.runner().build()?;
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());

    // One queue, for a time: what is enqueued waits, and goes on by itself.
    let mail = mosquito.queue("mail")?;
    mail.pause_for(Duration::from_secs(1)).reason("the mail server moves").author("ada").await?;
    mosquito.enqueue(SendMail { to: "grace@example.com".into() }).await?;
    let paused = mail.paused().await?.ok_or("it is paused")?;
    println!("mail: {} ({})", paused.reason.unwrap_or_default(), paused.author.unwrap_or_default());
    wait_for_a_run_of(&mut events, "mail").await;

    // One job: others in its queue go past what waits of it.
    mosquito.pause_job::<SendNews>()?.reason("it has a typing error").await?;
    mosquito.enqueue(SendNews).await?;
    mosquito.enqueue(SendMail { to: "alan@example.com".into() }).await?;
    wait_for_a_run_of(&mut events, "mail").await;
    for (job, paused) in mail.paused_jobs().await? {
        println!("{job}: {}", paused.reason.unwrap_or_default());
    }
    mosquito.resume_job::<SendNews>().await?;
    wait_for_a_run_of(&mut events, "mail").await;

    // Everything, also queues that do not exist yet.
    mosquito.pause().reason("the database moves").await?;
    mosquito.enqueue(SendMail { to: "ada@example.com".into() }).queue("new").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let waiting = |queue| {
        let queue = mosquito.queue(queue);
        async move { queue?.sizes().await.map(|sizes| sizes.waiting) }
    };
    println!("everything: {}", mosquito.paused().await?.and_then(|paused| paused.reason).unwrap_or_default());
    println!(
        "waiting in new: {}, in pulse, after two seconds: {}",
        waiting("new").await?,
        waiting("pulse").await?
    );

    // A queue that is paused by itself stays so.
    mail.pause().reason("not today").await?;
    mosquito.resume().await?;
    wait_for_a_run_of(&mut events, "new").await;
    println!("mail: {}", mail.paused().await?.and_then(|paused| paused.reason).unwrap_or_default());

    handle.stop();
    println!("failed: {}", running.await??.failed);
    Ok(())
}

async fn wait_for_a_run_of(events: &mut mosquito::events::EventStream, of: &str) {
    while let Some(event) = events.next().await {
        if matches!(event, Event::Finished { queue, .. } if queue.as_str() == of) {
            return;
        }
    }
}
