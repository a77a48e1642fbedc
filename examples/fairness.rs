//! Turns for everybody: a tenant with many runs does not hold up one with few.
//!
//! ```text
//! cargo run --example fairness
//! ```
//!
//! The runs of each tenant wait in a line of their own, and the lines take turns.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Counts what was imported so far.
type Count = Arc<AtomicUsize>;

#[job(queue = "imports", fair(by = [tenant]), state(Count))]
struct Import {
    tenant: String,
    row: usize,
}

impl Perform for Import {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let place = cx.state::<Count>().fetch_add(1, Ordering::Relaxed);
        if self.tenant != "big" {
            println!("{} {} is number {place}", self.tenant, self.row);
        }
        Ok(())
    }
}

const MANY: usize = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    // The big one comes first.
    for (tenant, rows) in [("big", MANY), ("small", 3), ("tiny", 1)] {
        mosquito.enqueue_all((0..rows).map(|row| Import { tenant: tenant.into(), row })).await?;
    }

    let count = Count::default();
    let runner = mosquito.runner().state(count.clone()).executors(1).build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    // A slow subscriber may miss events; the count misses nothing.
    while count.load(Ordering::Relaxed) < MANY + 4
        && let Some(event) = events.next().await
    {
        if let Event::Finished { fate: mosquito::backend::Fate::Banish { .. }, id, .. } = event {
            return Err(format!("{id} was given up").into());
        }
    }
    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}
