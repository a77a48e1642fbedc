//! Compares mosquito with other job systems on Redis, and with Redis itself.
//!
//! ```text
//! benchmarks/run                       everything, into BENCHMARKS.md
//! benchmarks/run --quick               a smoke run, into the target folder
//! benchmarks/run --only mosquito,oxana --rounds 5
//! benchmarks/run scale                 mosquito alone, with a million runs, 200 queues, 50 workers
//! ```

mod assignment;
mod child;
mod clock;
mod contestants;
mod figures;
mod ledger;
mod measure;
mod process;
mod proxy;
mod redis_server;
mod report;
mod results;
mod scale;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::contestants::{Contestant, Failure};
use crate::figures::{Bench, Options};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// A smoke run: few runs and one round, written to the target folder.
    #[arg(long)]
    quick: bool,
    /// Only these, by name, and raw Redis if it is named.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How many rounds of each figure.
    #[arg(long)]
    rounds: Option<usize>,
    /// The folder that BENCHMARKS.md and benchmarks/*.svg are written to.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// What the command starts itself for each measurement.
    #[command(hide = true)]
    Child { assignment: String },
    /// How mosquito keeps its pace when there is much of everything; printed as a table.
    Scale {
        /// A smoke run: a tenth of all numbers.
        #[arg(long)]
        quick: bool,
        /// Only these parts: idle, latency, due, queues, processes, depth, memory.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// A worker of such a measurement.
    #[command(hide = true)]
    Worker { plan: String },
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match &arguments.command {
        Some(Command::Child { assignment }) => child(assignment).await,
        Some(Command::Scale { quick, only }) => scale::measure(*quick, only).await,
        Some(Command::Worker { plan }) => scale::work(plan).await,
        None => compare(arguments).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn child(assignment: &str) -> Result<(), Failure> {
    child::run(serde_json::from_str(assignment)?).await
}

async fn compare(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { quick, only, rounds, out, .. } = arguments;
    let contestants = chosen(&only)?;
    let options = Options { quick, rounds: rounds.unwrap_or(if quick { 1 } else { 3 }).max(1) };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let out = out.unwrap_or_else(|| {
        match quick {
            true => std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join("benchmarks-quick"))),
            false => None,
        }
        .unwrap_or_else(|| root.into())
    });

    let mut bench = Bench::new(contestants, options).await?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Whatever ends it, the servers and processes are dropped, which ends them.
    tokio::select! {
        done = bench.run() => done?,
        _ = interrupt.recv() => return Err("interrupted".into()),
        _ = terminate.recv() => return Err("terminated".into()),
    }
    report::write(&bench, &out).await
}

fn chosen(only: &[String]) -> Result<Vec<Box<dyn Contestant>>, Failure> {
    let names = || contestants::all().iter().map(|each| each.facts().name).collect::<Vec<_>>().join(", ");
    for name in only {
        if !contestants::all().iter().any(|contestant| is_named(&**contestant, name)) {
            return Err(format!("there is no contestant `{name}`; there are {}", names()).into());
        }
    }
    let chosen =
        |contestant: &dyn Contestant| only.is_empty() || only.iter().any(|name| is_named(contestant, name));
    Ok(contestants::all().into_iter().filter(|contestant| chosen(&**contestant)).collect())
}

/// Blanks and brackets may be left out: `bullmqnode`.
fn is_named(contestant: &dyn Contestant, name: &str) -> bool {
    let plain = |name: &str| name.to_lowercase().replace([' ', '(', ')', '-'], "");
    plain(contestant.facts().name) == plain(name)
}
