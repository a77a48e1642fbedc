//! Says how many executors its runner has: `executor-count CONFIGURED`.

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

#[job]
struct Nothing;

impl Perform for Nothing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let configured = std::env::args().nth(1).ok_or("usage: executor-count CONFIGURED")?.parse()?;
    let mosquito = Mosquito::connect("memory://").await?;
    let runner = match mosquito.runner().executors(configured).build() {
        Ok(runner) => runner,
        Err(error) => {
            println!("{error}");
            return Ok(());
        }
    };
    let (mut events, handle) = (mosquito.events(), runner.handle());
    let running = tokio::spawn(runner.run());
    while let Some(event) = events.next().await {
        if let Event::OverseerStarted { executors, .. } = event {
            println!("{executors} executors");
            break;
        }
    }
    handle.stop();
    running.await??;
    Ok(())
}
