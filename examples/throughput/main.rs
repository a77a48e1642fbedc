//! Enqueues runs that do nothing, drains them, and tells how fast that was and what it asked of the store.
//!
//! ```text
//! cargo run --release --example throughput -- --runs 100000 --executors 200
//! cargo run --release --example throughput -- --flow
//! cargo run --release --example throughput -- --flow --store sqlite:///tmp/throughput.db
//! ```
//!
//! With `--flow`, rounds of plain runs and of runs that are unique, limited and of several priorities take turns, and what these cost is told at
//! the end, from the best round of each.
//!
//! The time ends with the last *settled* run, not with the last performed one, and each run counts only if it
//! was performed exactly once. On Redis everything is kept under a prefix of its own, which is removed afterwards.

mod cost;
mod jobs;
mod round;

use std::error::Error;

use clap::Parser;
use mosquito::{Mosquito, RunId};

use crate::cost::Meter;
use crate::jobs::{Flowing, Plain};
use crate::round::{Round, Speed};

/// Measures how fast runs that do nothing go through a store.
#[derive(Parser)]
struct Options {
    /// The store, which nobody else should be using: a Redis server's counters are read.
    #[arg(long, alias = "url", default_value = "redis://127.0.0.1:6379")]
    store: String,
    /// How many runs in a round.
    #[arg(long, default_value_t = 100_000)]
    runs: usize,
    /// How many of them are performed at the same time.
    #[arg(long, default_value_t = 200)]
    executors: usize,
    /// Compares plain runs with runs that each have a unique key of their own, are under the concurrency limit of one of 1,000 tenants, and have
    /// one of three priorities.
    #[arg(long)]
    flow: bool,
    /// How many rounds of each kind.
    #[arg(long, default_value_t = 1)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Options { store, runs, executors, flow, rounds } = Options::parse();
    let prefix = format!("mosquito-throughput-{}", RunId::random());
    let mosquito = match Meter::counts(&store) {
        true => Mosquito::builder().prefix(&prefix).connect(&store).await?,
        false => Mosquito::connect(&store).await?,
    };
    let mut meter = Meter::of(&store).await?;
    println!("{store}, {runs} runs a round, {executors} executors, {}", machine());

    let (mut plain, mut flowing) = (Speed::default(), Speed::default());
    for _ in 0..rounds {
        let round = Round { mosquito: &mosquito, runs, executors };
        plain = plain.best(round.of::<Plain>(&mut meter).await?);
        if flow {
            flowing = flowing.best(round.of::<Flowing>(&mut meter).await?);
        }
    }
    meter.clear(&prefix).await?;

    if flow {
        println!("best of {rounds}, plain: {plain}");
        println!("best of {rounds}, with unique, limit and priority: {flowing}");
        let part = |flowing: f64, plain: f64| 100.0 * flowing / plain;
        let (enqueued, drained) =
            (part(flowing.enqueued, plain.enqueued), part(flowing.drained, plain.drained));
        let both = part(flowing.through(), plain.through());
        println!(
            "of the plain pace: enqueued {enqueued:.0} %, drained {drained:.0} %, both together {both:.0} %"
        );
    }
    println!("each of the {runs} runs was performed exactly once");
    Ok(())
}

/// The conditions that nobody said.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
    format!("{cores} cores, {build}")
}
