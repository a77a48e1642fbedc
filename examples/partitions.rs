//! One queue in eight parts: too big for one node of a Redis Cluster, and one queue to whoever uses it.
//!
//! ```text
//! cargo run --example partitions [redis+cluster://HOST:6379,HOST:6379]
//! ```
//!
//! Runs of one user are in one part, and one at a time: so they are performed in the order in which they came, by however many executors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use mosquito::backend::List;
use mosquito::events::Event;
use mosquito::{Context, JobResult, Mosquito, Perform, job};

const USERS: u64 = 200;
const EACH: u64 = 20;

/// What was tracked of each user so far, and how often something came too early or too late.
#[derive(Default)]
struct Tracked {
    next: HashMap<u64, u64>,
    out_of_order: usize,
    performed: u64,
}

#[job(
    queue("events", partitions = 8, by = [user]),
    concurrency(limit = 1, by = [user]),
    state(Arc<Mutex<Tracked>>)
)]
struct Track {
    user: u64,
    number: u64,
}

impl Perform for Track {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let mut tracked = cx.state::<Arc<Mutex<Tracked>>>().lock().map_err(|_| "a job panicked")?;
        tracked.performed += 1;
        let next = tracked.next.entry(self.user).or_default();
        let in_order = *next == self.number;
        *next = self.number + 1;
        tracked.out_of_order += usize::from(!in_order);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "memory://".into());
    let mosquito = Mosquito::connect(&url).await?;
    let events = mosquito.queue("events")?;
    events.pause().reason("first a look at it").await?;
    let tracks = (0..USERS * EACH).map(|n| Track { user: n % USERS, number: n / USERS });
    mosquito.enqueue_all(tracks).await?;

    for part in mosquito.backend().queues().await? {
        println!("{part} has {}", mosquito.backend().sizes(&part).await?.waiting);
    }
    let page = events.page(List::Waiting, 0, 1_000).await?;
    println!("events has {}, of which a page shows {}", events.sizes().await?.waiting, page.len());

    events.resume().await?;
    let tracked = Arc::<Mutex<Tracked>>::default();
    let runner = mosquito.runner().state(tracked.clone()).executors(20).queues(["events"]).build()?;
    let (handle, mut happenings) = (runner.handle(), mosquito.events());
    let running = tokio::spawn(runner.run());
    let performed = || tracked.lock().map(|tracked| tracked.performed).unwrap_or_default();
    // A slow subscriber may miss events; the count misses nothing.
    while performed() < USERS * EACH
        && let Some(event) = happenings.next().await
    {
        if let Event::Finished { fate: mosquito::backend::Fate::Banish { .. }, id, .. } = event {
            return Err(format!("{id} was given up").into());
        }
    }
    handle.stop();
    println!("report: {}", running.await??);
    let out_of_order = tracked.lock().map_err(|_| "a job panicked")?.out_of_order;
    println!("{USERS} users, {out_of_order} out of order");
    Ok(())
}
