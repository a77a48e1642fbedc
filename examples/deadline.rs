//! A time for one attempt, and a time for all of them together.
//!
//! ```text
//! cargo run --example deadline
//! ```
//!
//! A payment may be tried for as long as the customer waits, and no longer: what cannot be done in time is dead at once, with
//! the reason, and what its attempts had failed of.

use std::error::Error;

use mosquito::backend::{Fate, List};
use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, RunId, job};

/// Each attempt may take 300 ms, and all of them together two seconds.
#[job(timeout = "300ms", deadline = "2s", retry(attempts = 20, backoff = fixed("200ms"), jitter = 0.0))]
struct Pay {
    bank: String,
}

impl Perform for Pay {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        match (self.bank.as_str(), cx.attempt()) {
            ("is-busy", 1 | 2) => Err("come back later".into()),
            ("is-closed", _) => Err("come back tomorrow".into()),
            ("hangs", _) => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mosquito = Mosquito::connect("memory://").await?;
    let banks = ["is-busy", "is-closed", "hangs"];
    for bank in banks {
        mosquito.enqueue(Pay { bank: bank.into() }).id(RunId::new(bank)?).await?;
    }

    let runner = mosquito.runner().build()?;
    let (handle, mut events) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let mut left = banks.len();
    while left > 0
        && let Some(event) = events.next().await
    {
        let Event::Finished { fate, .. } = event else { continue };
        left -= usize::from(matches!(fate, Fate::Forget | Fate::Banish { .. }));
    }
    handle.stop();
    println!("report: {}", running.await??);

    for run in mosquito.queue("default")?.page(List::Dead, 0, 100).await? {
        println!("dead: {}: {}", run.id, run.history.error.unwrap_or_default());
        let began = run.history.log.first().map(|attempt| attempt.at);
        for attempt in &run.history.log {
            let after = began.and_then(|began| (attempt.at - began).to_std().ok()).unwrap_or_default();
            println!(
                "  attempt {} after {:.1} s: {}",
                attempt.number,
                after.as_secs_f64(),
                attempt.causes.join(": ")
            );
        }
    }
    Ok(())
}
