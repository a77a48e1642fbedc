//! Runs that are performed later: after a while, or at a time.
//!
//! ```text
//! cargo run --example scheduled
//! ```
//!
//! A scheduled run waits in the store, not in the process that enqueued it: with a store on disk it would be
//! performed on time if this process were gone by then, and another one there.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Reminds somebody of something.
#[job]
struct Remind {
    of: String,
}

impl Perform for Remind {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let waited = Utc::now() - cx.enqueued_at();
        println!("{:.1} s after it was enqueued: {}", waited.as_seconds_f64(), self.of);
        Ok(())
    }
}

fn remind(of: &str) -> Remind {
    Remind { of: of.into() }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mosquito = Mosquito::connect("memory://").await?;

    mosquito.enqueue(remind("the cake, after a while")).delay(Duration::from_millis(1_500)).await?;
    mosquito.enqueue(remind("the train, at a time")).at(Utc::now() + TimeDelta::milliseconds(500)).await?;
    mosquito.enqueue(remind("what is past, at once")).at(Utc::now() - TimeDelta::hours(1)).await?;
    mosquito.enqueue(remind("the door, at once")).await?;
    let both = ["the tea, with the milk", "the milk, with the tea"].map(remind);
    mosquito.enqueue_all(both).delay(Duration::from_secs(1)).await?;

    let sizes = mosquito.queue("default")?.sizes().await?;
    println!("{} runs are waiting, {} are scheduled", sizes.waiting, sizes.scheduled);

    // One at a time: what was due first is performed first.
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
