//! Looking at a fleet: which processes work on a store, what they perform, what is in the queues, and when periodic jobs tick.
//!
//! ```text
//! cargo run --example inspect [sqlite://jobs.db]
//! ```
//!
//! Whoever looks is a task of the same process here. With a store that several share it could be any other one.

use std::time::Duration;

use mosquito::{Context, JobResult, Mosquito, OverseerReport, Perform, RunId, Timestamp, job};

/// Lasts until the runner stops.
#[job(queue = "films")]
struct Show {
    film: String,
}

impl Perform for Show {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.token().cancelled().await;
        Ok(())
    }
}

/// Has hours until its first tick.
#[job(queue = "films", every = "6h")]
struct SweepTheHall;

impl Perform for SweepTheHall {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory://".into());
    let mosquito = Mosquito::connect(&url).await?;
    for film in ["alien", "brazil", "casablanca"] {
        mosquito.enqueue(Show { film: film.into() }).id(RunId::new(film)?).await?;
    }
    let runner = mosquito.runner().name("films-1").queues(["films"]).executors(2);
    let runner = runner.shutdown_grace(Duration::from_secs(5)).build()?;
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());

    print_overseers(&busy(&mosquito).await?);
    print_queues(&mosquito).await?;
    print_periodic(&mosquito).await?;

    handle.stop();
    let report = running.await??;
    if mosquito.overseers().await?.is_empty() {
        println!("after the stop: nobody");
    }
    println!("report: {report}");
    Ok(())
}

/// Each process tells every few seconds what it performs.
async fn busy(mosquito: &Mosquito) -> mosquito::Result<Vec<OverseerReport>> {
    loop {
        let overseers = mosquito.overseers().await?;
        if overseers.iter().any(|overseer| overseer.busy == 2) {
            return Ok(overseers);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn print_overseers(overseers: &[OverseerReport]) {
    for one in overseers {
        let name = one.name.as_ref().map_or("nameless", |name| name.as_str());
        println!("{name}: process {} on {}, mosquito {}", one.pid, one.host, one.version);
        println!("  since {}, heard of {:?} ago", one.started_at, one.silence);
        let queues: Vec<_> = one.queues.iter().map(|queue| queue.as_str()).collect();
        println!("  {} of {} executors are busy, queues {}", one.busy, one.executors, queues.join(", "));
        for run in &one.performing {
            println!("  {} {}, attempt {}, since {}", run.job, run.run, run.attempt, run.since);
        }
    }
}

async fn print_queues(mosquito: &Mosquito) -> mosquito::Result<()> {
    for queue in mosquito.queues().await? {
        let sizes = queue.sizes().await?;
        println!(
            "{}: {} waiting, {} pending, {} scheduled, {} dead",
            queue.name(),
            sizes.waiting,
            sizes.pending,
            sizes.scheduled,
            sizes.dead
        );
    }
    Ok(())
}

async fn print_periodic(mosquito: &Mosquito) -> mosquito::Result<()> {
    let told = |tick: Option<Timestamp>| tick.map_or_else(|| "never".into(), |tick| tick.to_string());
    for one in mosquito.periodic().await? {
        let (last, next) = (told(one.last_tick), told(one.next_tick));
        println!("{} in {}: last tick {last}, next {next}", one.job, one.queue);
    }
    Ok(())
}
