//! Sends letters until it is stopped, by Ctrl-C or SIGTERM.
//!
//! ```text
//! cargo run -p mailroom-worker -- --ledger ledger.txt
//! ```
//!
//! Start several, and kill one with `kill -9`: what it was about to send is sent by another one, as soon as its
//! heart has been silent for `--dead-after-ms`. A letter can be in the ledger twice then, if the process died between
//! sending it and saying so; none can be missing.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use mosquito::Mosquito;
use tracing_subscriber::EnvFilter;

// This program never names a job. Without this line the linker would leave them out.
mosquito::link!(mailroom_jobs);

/// Sends the letters that producers enqueue.
#[derive(Parser)]
struct Options {
    /// The server.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// The first part of the server's keys, as the producers have it.
    #[arg(long, default_value = "mailroom")]
    prefix: String,
    /// The file in which sent letters are written down.
    #[arg(long)]
    ledger: PathBuf,
    /// How long it takes to send one letter.
    #[arg(long, default_value_t = 10)]
    work_ms: u64,
    /// How many letters are sent at the same time.
    #[arg(long, default_value_t = 10)]
    executors: usize,
    /// How often this worker says that it is alive.
    #[arg(long, default_value_t = 5_000)]
    heartbeat_ms: u64,
    /// After how long a silence a worker counts as dead.
    #[arg(long, default_value_t = 20_000)]
    dead_after_ms: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("mosquito=warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    let ledger = OpenOptions::new().append(true).create(true).open(&options.ledger)?;
    let heartbeat = Duration::from_millis(options.heartbeat_ms);
    let mosquito = Mosquito::builder().prefix(options.prefix).connect(&options.url).await?;

    let runner = mosquito
        .runner()
        .state(ledger)
        .state(Duration::from_millis(options.work_ms))
        .executors(options.executors)
        .heartbeat(heartbeat)
        .dead_after(Duration::from_millis(options.dead_after_ms))
        .reap_every(heartbeat)
        .build()?;
    println!("process {} is ready", std::process::id());
    let report = runner.run().await?;

    println!("process {} is done: {report}", std::process::id());
    Ok(())
}
