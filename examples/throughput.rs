//! Enqueues runs that do nothing, drains them, and tells how fast that was and what it asked of Redis.
//!
//! ```text
//! cargo run --release --example throughput -- --runs 100000 --executors 200
//! ```
//!
//! The time ends with the last *settled* run, not with the last performed one, and each run counts only if it
//! was performed exactly once. Everything is kept under a prefix of its own, which is removed afterwards.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use mosquito::{Context, JobResult, Mosquito, Perform, RunId, job};
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use tokio::sync::Notify;

/// Measures how fast runs that do nothing go through Redis.
#[derive(Parser)]
struct Options {
    /// The server, which nobody else should be using: its counters are read.
    #[arg(long, default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// How many runs.
    #[arg(long, default_value_t = 100_000)]
    runs: usize,
    /// How many of them are performed at the same time.
    #[arg(long, default_value_t = 200)]
    executors: usize,
}

/// Does nothing, but for noting that it did.
#[job(queue = "throughput", state(Tally))]
struct Nothing {
    number: usize,
}

impl Perform for Nothing {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Tally>().note(self.number);
        Ok(())
    }
}

/// Which numbers were performed.
struct Tally {
    seen: Vec<AtomicBool>,
    left: AtomicUsize,
    all: Arc<Notify>,
}

impl Tally {
    fn of(runs: usize, all: Arc<Notify>) -> Self {
        let seen = (0..runs).map(|_| AtomicBool::new(false)).collect();
        Self { seen, left: AtomicUsize::new(runs), all }
    }

    fn note(&self, number: usize) {
        let seen_before = self.seen[number].swap(true, Ordering::Relaxed);
        if !seen_before && self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.all.notify_one();
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { url, runs, executors } = Options::parse();
    let prefix = format!("mosquito-throughput-{}", RunId::random());
    let mosquito = Mosquito::builder().prefix(&prefix).connect(&url).await?;
    let mut redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;

    let before = Commands::of(&mut redis).await?;
    let start = Instant::now();
    mosquito.enqueue_all((0..runs).map(|number| Nothing { number })).await?;
    let took = start.elapsed();
    let enqueued = Commands::of(&mut redis).await?;
    println!("enqueued {runs} runs in {took:.1?}: {}", rate(runs, took));
    println!("  {}", enqueued.since(&before).per(runs));

    let all = Arc::new(Notify::new());
    let runner = mosquito.runner().state(Tally::of(runs, all.clone())).executors(executors).build()?;
    let (handle, queue) = (runner.handle(), mosquito.queue("throughput")?);
    let start = Instant::now();
    let running = tokio::spawn(runner.run());
    all.notified().await;
    // The last ones are performed, but their settlements may still be on their way.
    while queue.sizes().await?.total() > 0 {
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    let took = start.elapsed();
    let drained = Commands::of(&mut redis).await?;
    handle.stop();
    let report = running.await??;
    println!("drained with {executors} executors in {took:.1?}: {}", rate(runs, took));
    println!("  {}", drained.since(&enqueued).per(runs));
    println!("report: {report}");

    clear(&mut redis, &prefix).await?;
    // Each was performed; if one was twice, the report counts more than there were.
    if report.performed != u64::try_from(runs)? {
        return Err(format!("{runs} runs were enqueued, but the report says: {report}").into());
    }
    println!("each of the {runs} runs was performed exactly once");
    Ok(())
}

fn rate(runs: usize, took: Duration) -> String {
    format!("{:.0} runs/s", runs as f64 / took.as_secs_f64())
}

/// What the server was asked to do so far: by clients, and in all, which includes what scripts ask of it.
struct Commands {
    scripts: u64,
    all: u64,
}

impl Commands {
    async fn of(redis: &mut MultiplexedConnection) -> Result<Self, Box<dyn Error>> {
        let info: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await?;
        let (mut scripts, mut all) = (0, 0);
        // cmdstat_evalsha:calls=200,usec=…
        for line in info.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
            let Some((name, calls)) = line.split_once(":calls=") else { continue };
            let calls: u64 = calls.split(',').next().unwrap_or_default().parse()?;
            all += calls;
            if name == "evalsha" {
                scripts += calls;
            }
        }
        Ok(Self { scripts, all })
    }

    fn since(&self, before: &Self) -> Self {
        Self { scripts: self.scripts - before.scripts, all: self.all - before.all }
    }

    fn per(&self, runs: usize) -> String {
        let per = |calls: u64| calls as f64 / runs as f64;
        let Self { scripts, all } = *self;
        format!(
            "{scripts} script calls ({:.4} per run), {all} commands in all, within scripts too ({:.3} per run)",
            per(scripts),
            per(all)
        )
    }
}

/// Removes every key under the prefix.
async fn clear(redis: &mut MultiplexedConnection, prefix: &str) -> Result<(), Box<dyn Error>> {
    let mut keys = Vec::<String>::new();
    let mut found = redis.scan_match(format!("{prefix}:*")).await?;
    while let Some(key) = found.next_item().await {
        keys.push(key?);
    }
    drop(found);
    if !keys.is_empty() {
        redis.unlink::<_, ()>(keys).await?;
    }
    Ok(())
}
