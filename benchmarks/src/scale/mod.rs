//! Whether mosquito keeps its pace when there is much of everything: runs, queues, workers. Prints a table.

mod depth;
mod due;
mod idle;
mod latency;
mod memory;
mod spread;
mod worker;

use std::time::{Duration, Instant};

use mosquito::Mosquito;

use crate::contestants::Failure;
use crate::redis_server::{Aof, RedisServer};
use worker::{Crew, Nothing, Plan};

pub(crate) use worker::work;

/// What is measured with, and what was.
pub(crate) struct Scale {
    server: RedisServer,
    store: Mosquito,
    redis: redis::aio::MultiplexedConnection,
    quick: bool,
    began: Instant,
}

/// A drain, or a part of one.
struct Drain {
    took: Duration,
    /// Processor time of the server, and its commands, within scripts too, of each run.
    server: Duration,
    commands: f64,
    runs: usize,
}

impl Drain {
    fn pace(&self) -> f64 {
        self.runs as f64 / self.took.as_secs_f64()
    }
}

/// How often it is looked whether a drain is over.
const LOOK: Duration = Duration::from_millis(5);
/// A drain that takes longer has lost something.
const STALLED: Duration = Duration::from_secs(120);

/// Measures everything, a line after the other; or what is named.
pub(crate) async fn measure(quick: bool, only: &[String]) -> Result<(), Failure> {
    if let Some(unknown) = only.iter().find(|name| !PARTS.contains(&&***name)) {
        return Err(format!("there is no part `{unknown}`; there are {}", PARTS.join(", ")).into());
    }
    let mut scale = Scale::start(quick, Instant::now()).await?;
    println!("| | measured | aim |");
    println!("|---|---|---|");
    for part in PARTS.into_iter().filter(|part| only.is_empty() || only.iter().any(|name| name == part)) {
        match part {
            "idle" => scale.idle().await?,
            "latency" => scale.latency().await?,
            "due" => scale.due().await?,
            "queues" => scale.queues().await?,
            "processes" => scale.processes().await?,
            "depth" => scale.depth().await?,
            _ => scale.memory().await?,
        }
    }
    Ok(())
}

const PARTS: [&str; 7] = ["idle", "latency", "due", "queues", "processes", "depth", "memory"];

impl Scale {
    async fn start(quick: bool, began: Instant) -> Result<Self, Failure> {
        let server = RedisServer::start(Aof::Off).await?;
        let store = Mosquito::connect(&server.url()).await?;
        let redis = redis::Client::open(server.url())?.get_multiplexed_async_connection().await?;
        Ok(Self { server, store, redis, quick, began })
    }

    /// The same on a server of its own, to be measured in turns with this one.
    async fn beside(&self) -> Result<Self, Failure> {
        Self::start(self.quick, self.began).await
    }

    fn line(&self, what: &str, measured: &str, aim: &str) {
        println!("| {what} | {measured} | {aim} |");
    }

    /// Removes everything, and what a client remembers of it.
    async fn clear(&mut self) -> Result<(), Failure> {
        self.server.clear().await?;
        self.store = Mosquito::connect(&self.server.url()).await?;
        Ok(())
    }

    /// A tenth of it in a smoke run.
    fn sized(&self, number: usize) -> usize {
        if self.quick { number / 10 } else { number }
    }

    fn plan(&self, executors: usize) -> Plan {
        Plan { url: self.server.url(), queues: vec!["scale".into()], executors, runners: 1 }
    }

    /// Enqueues as many, in this process.
    async fn fill(&self, queue: &str, runs: usize) -> Result<(), Failure> {
        let runs = (0..runs).map(|number| Nothing::number(number, 0));
        self.store.enqueue_all(runs).queue(queue).await?;
        Ok(())
    }

    /// Lets workers start, and from then on measures until so many runs of those queues are left. What they do to start is not measured.
    async fn drain(
        &mut self,
        crew: &mut Crew,
        queues: &[String],
        runs: usize,
        left: usize,
    ) -> Result<Drain, Failure> {
        for queue in queues {
            self.store.queue(queue)?.pause().await?;
        }
        crew.go().await?;
        let begin = Instant::now();
        while self.store.overseers().await?.len() < crew.workers() {
            if begin.elapsed() > STALLED {
                return Err("not all workers have started".into());
            }
            tokio::time::sleep(LOOK).await;
        }
        // A worker shows itself before it claims for the first time.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = self.server.read().await?;
        let begin = Instant::now();
        for queue in queues {
            self.store.queue(queue)?.resume().await?;
        }
        let looks = self.until(queues, left).await?;
        let took = begin.elapsed();
        let used = self.server.read().await?.since(&before);
        let commands = used.commands.saturating_sub(looks) as f64 / runs as f64;
        Ok(Drain { took, server: used.cpu, commands, runs })
    }

    /// Waits until no more than so many are left. → How many commands it took to find out.
    async fn until(&mut self, queues: &[String], left: usize) -> Result<u64, Failure> {
        let (begin, mut looks) = (Instant::now(), 0);
        while self.stored(queues).await? > left {
            looks += queues.len() as u64;
            if begin.elapsed() > STALLED {
                return Err(format!("runs are left after {} s", STALLED.as_secs()).into());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(looks)
    }

    /// How many runs there are in some queues, in any list.
    async fn stored(&mut self, queues: &[String]) -> Result<usize, Failure> {
        let mut looks = redis::pipe();
        for queue in queues {
            looks.cmd("HLEN").arg(format!("mosquito:{{{queue}}}:runs"));
        }
        let counts: Vec<usize> = looks.query_async(&mut self.redis).await?;
        Ok(counts.iter().sum())
    }

    /// Tells those who wait how far it is.
    fn say(&self, what: &str) {
        eprintln!("+{:3} s {what}", self.began.elapsed().as_secs());
    }
}

/// In µs.
fn micros(time: Duration, runs: usize) -> f64 {
    time.as_secs_f64() * 1e6 / runs as f64
}

/// What was measured in turns with the first, against it: the median of the turns, and the middle half of them.
fn against(these: &[f64], first: &[f64]) -> String {
    let mut ratios: Vec<_> = these.iter().zip(first).map(|(this, first)| this / first).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |quarter: usize| ratios[(ratios.len() - 1) * quarter / 4];
    format!("{:.2} ×, {:.2} to {:.2}", at(2), at(1), at(3))
}

fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
