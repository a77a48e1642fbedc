//! What stands around every enqueue and every attempt, and what holds a queue back.
//!
//! ```text
//! cargo run --example middleware
//! ```
//!
//! Each piece is given to the client or to the runner once, and holds for all jobs. The runner works on three queues: one behind a gate, one in
//! which one run at a time is performed, and one as usual.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mosquito::chrono::TimeDelta;
use mosquito::dequeue::{ConcurrencyLimited, Threshold};
use mosquito::events::Event;
use mosquito::middleware::{Attempt, BeforeEnqueue, Middleware, NewRuns, Next, Preempt, Timed};
use mosquito::{Context, JobResult, JobRun, Mosquito, Perform, QueueName, async_trait, job};

/// Sends mail to somebody.
#[job(queue = "mail")]
struct SendMail {
    to: String,
}

impl Perform for SendMail {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let language = cx.extension::<Language>().map_or("no language", |language| language.0);
        println!("mail to {} in {language}", self.to);
        Ok(())
    }
}

/// Takes long and needs room.
#[job(queue = "reports")]
struct MakeReport {
    month: u8,
}

impl Perform for MakeReport {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("report of month {}: begins", self.month);
        tokio::time::sleep(Duration::from_millis(100)).await;
        println!("report of month {}: ends", self.month);
        Ok(())
    }
}

/// What the application knows of a run that the run itself does not say.
struct Language(&'static str);

/// Gives each attempt its language.
struct FindLanguage;

#[async_trait]
impl Middleware for FindLanguage {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let language = if attempt.run().envelope.args.get().contains(".de") { "German" } else { "English" };
        attempt.insert(Language(language));
        next.perform(attempt).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Asked before each enqueue: it may refuse, and put runs elsewhere.
    let post_office = BeforeEnqueue::new(|runs: &mut NewRuns| {
        if runs.job().as_str() != "send_mail" {
            return Ok(());
        }
        if runs.iter_mut().any(|run| run.args().get().contains("nobody@")) {
            return Err(runs.refused("the post office", "there is nobody of that name"));
        }
        if runs.len() > 2 {
            // Mass mailings hold up nobody's own mail.
            let bulk = QueueName::new("bulk")?;
            runs.iter_mut().for_each(|mut run| run.set_queue(bulk.clone()));
        }
        Ok(())
    });
    let mosquito = Mosquito::builder().enqueue_middleware(post_office).connect("memory://").await?;

    let refused = mosquito.enqueue(SendMail { to: "nobody@example.com".into() }).await;
    println!("{}", refused.err().ok_or("the post office let it through")?);
    mosquito.enqueue(SendMail { to: "ada@example.com".into() }).await?;
    let everybody = (1..=3).map(|n| SendMail { to: format!("customer-{n}@example.de") });
    mosquito.enqueue_all(everybody).await?;
    mosquito.enqueue_all((1..=3).map(|month| MakeReport { month })).await?;
    println!("in bulk: {}", mosquito.queue("bulk")?.sizes().await?.waiting);

    // Puts mass mailings off until two seconds after their enqueue, and uses up none of their attempts.
    let not_at_once = Preempt::new("mass mailings can wait", |run: &JobRun| {
        let later = run.envelope.enqueued_at + TimeDelta::seconds(2);
        (run.queue.as_str() == "bulk").then_some(later)
    });
    let slow = Timed::new(|run: &JobRun, took: Duration, _: &JobResult| {
        if took >= Duration::from_millis(100) {
            println!("{} was slow", run.envelope.job);
        }
    });
    // Stands for the free memory of the machine.
    let room = Arc::new(AtomicBool::new(false));
    let sampled = room.clone();
    let memory =
        Threshold::above(
            "free memory",
            0.25,
            move || {
                if sampled.load(Ordering::Relaxed) { 0.5 } else { 0.1 }
            },
        );
    let runner = mosquito
        .runner()
        // The first one is the outermost.
        .middleware(not_at_once)
        .middleware(slow)
        .middleware(FindLanguage)
        .gate(["reports"], memory)
        .dequeue(ConcurrencyLimited::new([("reports", 1)])?)
        .build()?;

    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 7;
    while left > 0
        && let Some(event) = events.next().await
    {
        match event {
            Event::GateClosed { gate, .. } => {
                println!("{gate} is short");
                room.store(true, Ordering::Relaxed);
            }
            Event::GateOpened { gate, .. } => println!("{gate} is there again"),
            Event::Finished { fate: mosquito::backend::Fate::Forget, .. } => left -= 1,
            _ => (),
        }
    }
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}
