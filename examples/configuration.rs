//! Telling a runner, while it works, how many executors it has and how many runs of a queue it performs at once.
//!
//! ```text
//! cargo run --example configuration [sqlite://jobs.db]
//! ```
//!
//! The operator here is a task of the same process. With a store that several share it could be any other one: it says what it
//! wants in the store, and runners follow within ten seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mosquito::events::{Event, EventStream};
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// How many are at work, and the most that ever were since this was asked last.
#[derive(Clone, Default)]
struct AtWork(Arc<(AtomicUsize, AtomicUsize)>);

impl AtWork {
    fn begins(&self) {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
    }

    fn ends(&self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.0.1.swap(0, Ordering::SeqCst)
    }
}

/// Takes a while.
#[job(queue = "exports", state(AtWork))]
struct Export;

impl Perform for Export {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<AtWork>().begins();
        tokio::time::sleep(Duration::from_millis(20)).await;
        cx.state::<AtWork>().ends();
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory://".into());
    let mosquito = Mosquito::connect(&url).await?;
    let configuration = mosquito.configuration();
    // From the first claim on.
    configuration.set_limit("exports", 3).await?;

    let (at_work, mut events) = (AtWork::default(), mosquito.events());
    let runner = mosquito.runner().name("exports-1").executors(8).state(at_work.clone()).build()?;
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    print_configured(&mut events).await;
    perform(&mosquito, &mut events, 30).await?;
    println!("at once: {}", at_work.most());

    configuration.unset_limit("exports").await?;
    configuration.set_executors(6).await?;
    configuration.overseer("exports-1")?.set_executors(5).await?;
    print_configured(&mut events).await;
    perform(&mosquito, &mut events, 30).await?;
    println!("at once: {}", at_work.most());

    for name in configuration.overseers().await? {
        let read = configuration.overseer(name.as_str())?.read().await?;
        println!("{name}: {:?} executors; all: {:?}", read.executors, configuration.read().await?.executors);
    }
    if let Err(error) = configuration.set_executors(0).await {
        println!("{error}");
    }

    handle.stop();
    println!("report: {}", running.await??);
    Ok(())
}

async fn print_configured(events: &mut EventStream) {
    while let Some(event) = events.next().await {
        if let Event::Configured { executors, limits, .. } = event {
            println!("configured: {executors} executors, limits {limits:?}");
            return;
        }
    }
}

async fn perform(mosquito: &Mosquito, events: &mut EventStream, mut runs: usize) -> mosquito::Result<()> {
    mosquito.enqueue_all((0..runs).map(|_| Export)).await?;
    while runs > 0
        && let Some(event) = events.next().await
    {
        runs -= usize::from(matches!(event, Event::Finished { .. }));
    }
    Ok(())
}
