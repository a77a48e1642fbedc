//! How a process ends without losing a run, or keeping anybody waiting.
//!
//! ```text
//! cargo run --example graceful_shutdown            # until Ctrl-C or SIGTERM
//! cargo run --example graceful_shutdown -- --demo  # stops itself after a second
//! ```
//!
//! A stop claims nothing more, and waits. Short runs come to their end. Shortly before the grace is over, the tokens
//! of the others fire: a job that watches its token puts things in order and returns, one that does not is
//! cut off. Either way the run is handed back, to the front of `waiting`, as if it had never been claimed.

use std::time::Duration;

use clap::Parser;
use mosquito::backend::List;
use mosquito::{Context, JobResult, Mosquito, Perform, job};
use tokio::time::sleep;

/// Shows a graceful shutdown.
#[derive(Parser)]
struct Options {
    /// Stops by itself after a second.
    #[arg(long)]
    demo: bool,
    /// How long a stop may take.
    #[arg(long, default_value_t = 3)]
    grace_s: u64,
}

/// Needs a second, which a grace has.
#[job(queue = "kitchen")]
struct BoilAnEgg {
    number: u32,
}

impl Perform for BoilAnEgg {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("egg {}: in the pot", self.number);
        sleep(Duration::from_millis(1_500)).await;
        println!("egg {}: boiled", self.number);
        Ok(())
    }
}

/// Needs an hour, and watches its token.
#[job(queue = "kitchen")]
struct BakeBread;

impl Perform for BakeBread {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("bread: in the oven");
        match cx.token().run_until_cancelled(sleep(Duration::from_secs(3600))).await {
            Some(()) => Ok(()),
            None => {
                println!("bread: the oven is off, to be baked by somebody else");
                Err("interrupted".into())
            }
        }
    }
}

/// Needs a day, and does not listen to anybody.
#[job(queue = "kitchen")]
struct SimmerStock;

impl Perform for SimmerStock {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        sleep(Duration::from_secs(86_400)).await;
        Ok(())
    }
}

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let Options { demo, grace_s } = Options::parse();
    let mosquito = Mosquito::connect("memory://").await?;
    mosquito.enqueue(BakeBread).await?;
    mosquito.enqueue(SimmerStock).await?;
    mosquito.enqueue_all((1..=5).map(|number| BoilAnEgg { number })).await?;

    // SIGTERM and SIGINT stop a runner unless it is told otherwise; this one's handle does as well.
    let runner = mosquito.runner().executors(4).shutdown_grace(Duration::from_secs(grace_s)).build()?;
    let handle = runner.handle();
    if demo {
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            println!("stopping");
            handle.stop();
        });
    }
    println!("process {} works; Ctrl-C stops it, once more leaves at once", std::process::id());
    let report = runner.run().await?;

    println!("report: {report}");
    for run in mosquito.queue("kitchen")?.page(List::Waiting, 0, 100).await? {
        println!("waiting: {}", String::from_utf8_lossy(&run.envelope));
    }
    Ok(())
}
