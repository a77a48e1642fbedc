//! Enqueues letters, and is gone before they are sent.
//!
//! ```text
//! cargo run -p mailroom-producer -- --letters 1000
//! cargo run -p mailroom-worker -- --ledger ledger.txt      # in as many terminals as you like
//! ```
//!
//! Both want a Redis server, at redis://127.0.0.1:6379 unless `REDIS_URL` names another one.

use clap::Parser;
use mailroom_jobs::SendLetter;
use mosquito::Mosquito;

/// Enqueues letters for the workers to send.
#[derive(Parser)]
struct Options {
    /// The server.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379")]
    url: String,
    /// The first part of the server's keys: workers with the same one send these letters.
    #[arg(long, default_value = "mailroom")]
    prefix: String,
    /// How many.
    #[arg(long, default_value_t = 1_000)]
    letters: u64,
}

#[tokio::main]
async fn main() -> mosquito::Result<()> {
    let Options { url, prefix, letters } = Options::parse();
    let mosquito = Mosquito::builder().prefix(prefix).connect(&url).await?;

    let enqueued = mosquito.enqueue_all((1..=letters).map(|letter| SendLetter { letter })).await?;

    println!("enqueued {} letters", enqueued.len());
    Ok(())
}
