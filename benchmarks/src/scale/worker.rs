//! A worker process of these measurements: one runner or several, and what they performed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mosquito::{Context, JobResult, Mosquito, Perform, job};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::clock;
use crate::contestants::Failure;
use crate::process::{Process, Usage};

/// What a worker process is told to do.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Plan {
    pub(super) url: String,
    pub(super) queues: Vec<String>,
    /// Of each runner.
    pub(super) executors: usize,
    /// Each with connections of its own.
    pub(super) runners: usize,
}

/// What a worker process tells of itself.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Told {
    pub(super) performed: u64,
    /// Of each run that says when it was enqueued, how many µs later it began.
    pub(super) latencies: Vec<u64>,
}

/// Sixty bytes of arguments, and nothing to do.
#[job(state(Arc<Seen>))]
pub(super) struct Nothing {
    number: u64,
    /// When it was enqueued, by [`clock::now`]; 0 when nobody asks.
    at: u64,
    to: String,
}

impl Nothing {
    pub(super) fn number(number: usize, at: u64) -> Self {
        Self { number: 1_000_000 + number as u64, at, to: "somebody@example.com".into() }
    }
}

impl Perform for Nothing {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let seen = cx.state::<Arc<Seen>>();
        seen.performed.fetch_add(1, Ordering::Relaxed);
        if self.at > 0 {
            let late = clock::now().saturating_sub(self.at);
            seen.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(late);
        }
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Seen {
    performed: AtomicU64,
    latencies: Mutex<Vec<u64>>,
}

/// Inside the process: performs until its parent closes its input.
pub(crate) async fn work(plan: &str) -> Result<(), Failure> {
    let Plan { url, queues, executors, runners } = serde_json::from_str(plan)?;
    let seen = Arc::new(Seen::default());
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    println!("ready");
    while let Some(word) = input.next_line().await? {
        match &*word {
            "go" => {
                for _ in 0..runners {
                    let mosquito = Mosquito::connect(&url).await?;
                    let runner = mosquito.runner().queues(queues.clone()).state(seen.clone());
                    tokio::spawn(runner.executors(executors).signals(false).build()?.run());
                }
            }
            "report" => {
                let latencies = seen.latencies.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let told = Told { performed: seen.performed.load(Ordering::Relaxed), latencies };
                println!("{}", serde_json::to_string(&told)?);
            }
            word => return Err(format!("told `{word}`").into()),
        }
    }
    Ok(())
}

/// Worker processes, seen by their parent.
pub(super) struct Crew(Vec<Process>);

impl Crew {
    /// Starts so many processes, and has them wait.
    pub(super) async fn of(processes: usize, plan: &Plan) -> Result<Self, Failure> {
        let mut crew = Vec::new();
        for number in 0..processes {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("worker").arg(serde_json::to_string(plan)?);
            crew.push(Process::of(command, format!("worker {number}")).await?);
        }
        Ok(Self(crew))
    }

    pub(super) async fn go(&mut self) -> Result<(), Failure> {
        for worker in &mut self.0 {
            worker.tell("go").await?;
        }
        Ok(())
    }

    pub(super) fn workers(&self) -> usize {
        self.0.len()
    }

    /// What all of them did, and ends them.
    pub(super) async fn end(self) -> Result<Told, Failure> {
        let mut all = Told::default();
        for mut worker in self.0 {
            worker.tell("report").await?;
            let Told { performed, mut latencies } = worker.answer(Duration::from_secs(20)).await?;
            all.performed += performed;
            all.latencies.append(&mut latencies);
            worker.end().await?;
        }
        all.latencies.sort_unstable();
        Ok(all)
    }

    /// What the first one used.
    pub(super) fn usage(&self) -> Usage {
        self.0.first().map(Process::usage).unwrap_or_default()
    }
}

impl Told {
    /// So much of the runs that tell it were not later, in ms.
    pub(super) fn latency(&self, part: f64) -> f64 {
        let at =
            ((self.latencies.len() as f64 * part).ceil() as usize).clamp(1, self.latencies.len().max(1)) - 1;
        self.latencies.get(at).map_or(f64::NAN, |micros| *micros as f64 / 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn a_quantile_is_a_latency_that_so_many_do_not_exceed() {
        let told = Told { performed: 100, latencies: (1..=100).map(|n| 1_000 * n).collect() };

        assert_eq!([0.5, 0.99, 1.0].map(|part| told.latency(part)), [50.0, 99.0, 100.0]);
        assert!(Told::default().latency(0.5).is_nan(), "of nothing there is none");
    }
}
