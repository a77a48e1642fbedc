//! The size, lines and SHA-256 of every file below a folder: one background job run for each file.
//!
//! ```text
//! cargo run --example quickstart -- PATH
//! ```
//!
//! The runs wait in a SQLite file, so nothing needs to be installed and nothing is lost: kill it half way,
//! with Ctrl-C or with `kill -9`, start it again, and it finishes exactly the rest. A file that cannot be read
//! is tried three times; then its run is dead, and the table at the end says why.
//!
//! Read `jobs.rs` first: it has the two jobs. This file connects, starts a runner, enqueues, and waits for the end.

mod enqueue;
mod files;
mod jobs;
mod progress;
mod results;
mod table;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mosquito::Mosquito;

use crate::files::Files;
use crate::progress::Progress;
use crate::results::Results;

/// Tells the size, lines and SHA-256 of every file below a folder.
///
/// Hidden files count, `.git` folders and what a `.gitignore` excludes do not. A symbolic link counts as the
/// file it points to; one that points to a folder is not followed. Lines are newline characters, as `wc -l` has it.
///
/// When it is stopped, start it again with the same arguments: it goes on where it was. Once all is done it
/// prints the table again, and looks anew only at files that are new, or whose size or time of change differ.
/// Files that could not be read stay so; remove the state to begin from nothing.
#[derive(Parser)]
struct Options {
    /// The folder, or one file.
    path: PathBuf,
    /// The file that keeps the runs; the results stand beside it, in FILE.results.
    #[arg(long, value_name = "FILE", default_value = "quickstart.db")]
    state: String,
    /// How many files are read at the same time.
    #[arg(long, value_name = "N", default_value_t = 8)]
    executors: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let launched = Instant::now();
    let Options { path, state, executors } = Options::parse();
    let files = Files::below(&path, &state)?;
    let progress = Progress::new(launched);
    progress.show_log();

    let mosquito = Mosquito::connect(&format!("sqlite://{state}")).await?;
    let results = Arc::new(Results::open(&format!("{state}.results"))?);
    let runner = mosquito
        .runner()
        .state(progress.clone())
        .state(results.clone())
        .executors(executors)
        // Soon aware of a predecessor that was killed: its unfinished runs are taken back after a second.
        .heartbeat(Duration::from_millis(250))
        .dead_after(Duration::from_secs(1))
        .reap_every(Duration::from_millis(500))
        .build()?;
    let handle = runner.handle();
    let events = mosquito.events();
    let mut running = tokio::spawn(runner.run());

    let enqueuing = enqueue::until_all_is_done(&mosquito, events, files.clone(), &results, &progress);
    let (report, complete) = tokio::select! {
        report = &mut running => (report??, false), // Ctrl-C
        done = enqueuing => {
            handle.stop();
            (running.await??, done.map(|()| true)?)
        }
    };
    progress.end();

    if !complete {
        println!("stopped at {progress}; start it again with the same arguments to go on");
        return Ok(ExitCode::FAILURE);
    }
    table::print(&mosquito, &files, &results).await?;
    println!("{progress}");
    println!("runner: {report}");
    Ok(ExitCode::SUCCESS)
}
