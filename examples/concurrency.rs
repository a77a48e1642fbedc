//! So many runs at once.
//!
//! ```text
//! cargo run --example concurrency
//! ```
//!
//! The limit holds for all processes that share the store. A slot belongs to a run that is being performed, and is free in the same moment in which
//! that run is done, however it ended.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Two at once for each customer, however many executors are idle.
#[job(queue = "backups", concurrency(limit = 2, by = [customer]))]
struct BackUp {
    customer: String,
    disk: u32,
}

impl Perform for BackUp {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{} {}: begins", self.customer, self.disk);
        tokio::time::sleep(Duration::from_millis(100)).await;
        println!("{} {}: ends", self.customer, self.disk);
        Ok(())
    }
}

/// Shares one slot with all that touch the till.
#[job(queue = "till", concurrency(limit = 1, key = "till"))]
struct CountTheTill;

impl Perform for CountTheTill {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("till: begins");
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("till: ends");
        Ok(())
    }
}

/// Shares that slot.
#[job(queue = "till", concurrency(limit = 1, key = "till"))]
struct EmptyTheTill;

impl Perform for EmptyTheTill {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("till: begins");
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("till: ends");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    for customer in ["acme", "apex"] {
        let disks = (1..=4).map(|disk| BackUp { customer: customer.into(), disk });
        mosquito.enqueue_all(disks).await?;
    }
    for _ in 0..2 {
        mosquito.enqueue(CountTheTill).await?;
        mosquito.enqueue(EmptyTheTill).await?;
    }

    let runner = mosquito.runner().executors(20).build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = 12;
    while left > 0
        && let Some(event) = events.next().await
    {
        left -= usize::from(matches!(event, Event::Finished { .. }));
    }
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}
