//! The jobs of the mailroom.
//!
//! Producers and workers share this crate: a producer makes jobs and enqueues them, a worker performs them. What
//! it takes to perform one, a worker has and gives by its type: here an open file, which is the ledger, and
//! the time that a letter takes.

use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use mosquito::{Context, JobResult, Perform, job};

/// Sends one letter, and writes that down.
#[job(queue = "mailroom", state(File, Duration))]
pub struct SendLetter {
    /// Its number.
    pub letter: u64,
}

impl Perform for SendLetter {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        tokio::time::sleep(*cx.state::<Duration>()).await;
        write_down(cx.state::<File>(), self.letter)?;
        Ok(())
    }
}

/// One line in one write: other workers append to the same file.
fn write_down(mut ledger: &File, letter: u64) -> io::Result<()> {
    let line = format!("letter {letter} sent by process {}\n", std::process::id());
    ledger.write_all(line.as_bytes())
}
