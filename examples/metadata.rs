//! What a job type keeps for itself in the store: a cursor, a counter, a list.
//!
//! ```text
//! cargo run --example metadata [sqlite://jobs.db]
//! ```
//!
//! With a file, a second start goes on from where the first one ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

/// Imports the next hundred rows, from where the run before it ended.
#[job(queue = "imports", state(Rows))]
struct Import;

impl Perform for Import {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let metadata = cx.metadata();
        // Many runs at once: each takes a hundred that no other one has.
        let end = metadata.increment("cursor", 100).await?;
        cx.state::<Rows>().0.fetch_add(100, Ordering::Relaxed);
        let largest = move |last: Option<i64>| Some(last.map_or(end, |last| last.max(end)));
        metadata.update("largest", largest).await?;
        metadata.set_if_absent("first_run", cx.id().as_str()).await?;
        Ok(())
    }
}

/// What the application counted itself.
#[derive(Clone, Default)]
struct Rows(Arc<AtomicU32>);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory://".into());
    let mosquito = Mosquito::connect(&url).await?;
    let metadata = mosquito.metadata::<Import>()?;
    let begin: i64 = metadata.get("cursor").await?.unwrap_or_default();
    println!("from row {begin}");

    mosquito.enqueue_all((0..50).map(|_| Import)).await?;
    let (rows, mut events) = (Rows::default(), mosquito.events());
    let runner = mosquito.runner().executors(20).state(rows.clone()).build()?;
    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    let mut left = 50;
    while left > 0
        && let Some(event) = events.next().await
    {
        left -= usize::from(matches!(event, Event::Finished { .. }));
    }
    handle.stop();
    running.await??;

    let end: i64 = metadata.get("cursor").await?.unwrap_or_default();
    println!("imported {} rows, {} of them counted here", end - begin, rows.0.load(Ordering::Relaxed));
    for (key, value) in metadata.all().await? {
        if key != "first_run" {
            println!("{key}: {value}");
        }
    }
    metadata.set("note", "no number").await?;
    if let Err(error) = metadata.increment("note", 1).await {
        println!("{error}");
    }
    Ok(())
}
