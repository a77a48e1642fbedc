//! The measurements of which all figures are made: enqueue, drain, and both at once.
//!
//! Each clears the server, starts processes of its own and ends them. A drain is timed from the word `go` to a ready worker, until the worker has
//! performed every run *and* the store itself shows nothing that waits, is active or is not acknowledged: which keys these are, each contestant says.
//! A worker that says it is done is the sign to look every millisecond, by a connection of our own whose commands and bytes are taken off the counts.

use std::time::{Duration, Instant};

use crate::assignment::{Assignment, Enqueued, How, Performed, Role, Work};
use crate::contestants::{Contestant, Failure};
use crate::process::{Process, Usage};
use crate::redis_server::{Left, Reading, RedisServer};

/// What one measurement is made with.
#[derive(Clone)]
pub(crate) struct Setup<'a> {
    pub(crate) contestant: &'a dyn Contestant,
    pub(crate) server: &'a RedisServer,
    /// Where the contestant connects to: the server, or a proxy in front of it.
    pub(crate) url: String,
    pub(crate) work: Work,
    pub(crate) runs: usize,
}

/// What it took, for all runs together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    pub(crate) took: Duration,
    /// What the server did, without what we asked it.
    pub(crate) server: Reading,
    /// What the contestant's process used.
    pub(crate) client: Duration,
    pub(crate) runs: usize,
}

/// A drain: what it cost, and the worker's memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drained {
    pub(crate) cost: Cost,
    pub(crate) usage: Usage,
    /// A second after the last run, in bytes.
    pub(crate) at_rest: Option<u64>,
}

/// Runs that were performed while others were enqueued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lived {
    pub(crate) took: Duration,
    /// In µs.
    pub(crate) latencies: Vec<u64>,
    /// Commands a second of a worker with nothing to do, before runs with gaps in between.
    pub(crate) idle_commands: f64,
}

impl Cost {
    pub(crate) fn pace(&self) -> f64 {
        self.runs as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn per_run(&self, all: f64) -> f64 {
        all / self.runs as f64
    }
}

/// A worker that says nothing for so long while runs are left is not waited for any more.
const STALLED: Duration = Duration::from_secs(60);
/// Between two looks at the store while a worker is busy, and when it says that it is done.
const BUSY: Duration = Duration::from_millis(50);
const DONE: Duration = Duration::from_millis(1);
/// A worker whose store is empty has so long to say that it performed all.
const GRACE: Duration = Duration::from_secs(2);
/// The time in which an idle worker's commands are counted, and the time before that to settle.
const IDLE: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_millis(500);
/// What an answer may take.
const ANSWER: Duration = Duration::from_secs(120);

impl Setup<'_> {
    /// Enqueues all runs; nobody performs them.
    pub(crate) async fn enqueue(&self, how: How) -> Result<Cost, Failure> {
        self.server.clear().await?;
        let mut enqueuer = self.start(Role::Enqueuer { how }, false).await?;
        let (before, used) = (self.server.read().await?, enqueuer.usage());
        enqueuer.tell("go").await?;
        let Enqueued { micros } = enqueuer.answer(ANSWER).await?;
        let (client, after) = (enqueuer.usage().cpu - used.cpu, self.server.read().await?);
        enqueuer.end().await?;

        let left = self.server.left(self.contestant).await?;
        if left.runs < self.runs as u64 {
            return Err(format!("{} of {} runs are in the store", left.runs, self.runs).into());
        }
        let took = Duration::from_micros(micros);
        // The second `INFO` is counted when it is answered.
        let server = less(after.since(&before), Left { commands: 1, ..Left::default() });
        Ok(Cost { took, server, client, runs: self.runs })
    }

    /// Enqueues all runs by the fastest way there is, and measures how a worker drains them; and if that is asked for, what memory it has when it rests.
    pub(crate) async fn drain(&self, executors: usize, rest: bool) -> Result<Drained, Failure> {
        let filling = Setup { url: self.server.url(), ..self.clone() };
        filling.enqueue(self.contestant.fill()).await?;

        let mut worker = self.start(Role::Worker { executors }, false).await?;
        let (before, used) = (self.server.read().await?, worker.usage());
        let start = Instant::now();
        worker.tell("go").await?;
        let asked = self.done(&mut worker).await?;
        let took = start.elapsed();
        let (usage, after) = (worker.usage(), self.server.read().await?);
        let cost = Cost {
            took,
            server: less(after.since(&before), Left { commands: asked.commands + 1, ..asked }),
            client: usage.cpu - used.cpu,
            runs: self.runs,
        };
        let mut at_rest = None;
        if rest {
            tokio::time::sleep(IDLE).await;
            at_rest = Some(worker.usage().rss);
        }
        self.ledger(worker).await?;
        Ok(Drained { cost, usage, at_rest })
    }

    /// Lets a worker stand idle, then enqueues in that way, and measures until all is done.
    pub(crate) async fn live(&self, executors: usize, how: How) -> Result<Lived, Failure> {
        self.server.clear().await?;
        let mut worker = self.start(Role::Worker { executors }, true).await?;
        worker.tell("go").await?;
        tokio::time::sleep(SETTLE).await;
        let idle_commands = match how {
            How::Gaps { .. } => {
                let before = self.server.read().await?;
                tokio::time::sleep(IDLE).await;
                let idle = self.server.read().await?.since(&before);
                (idle.commands - 1) as f64 / IDLE.as_secs_f64()
            }
            _ => 0.0,
        };

        let mut enqueuer = self.start(Role::Enqueuer { how }, false).await?;
        let start = Instant::now();
        enqueuer.tell("go").await?;
        let _: Enqueued = enqueuer.answer(ANSWER).await?;
        self.done(&mut worker).await?;
        let took = start.elapsed();
        enqueuer.end().await?;
        let latencies = self.ledger(worker).await?.latencies;
        Ok(Lived { took, latencies, idle_commands })
    }

    async fn start(&self, role: Role, timed: bool) -> Result<Process, Failure> {
        let assignment = Assignment {
            contestant: self.contestant.facts().name.into(),
            url: self.url.clone(),
            work: self.work,
            runs: self.runs,
            timed,
            role,
        };
        Process::start(&assignment).await
    }

    /// Waits until the worker has performed every run and the store shows that nothing is left. → What asking cost.
    async fn done(&self, worker: &mut Process) -> Result<Left, Failure> {
        let mut asked = Left::default();
        let (start, mut performed, mut empty) = (Instant::now(), false, None);
        loop {
            performed = performed || worker.said("performed", BUSY).await?;
            let left = self.server.left(self.contestant).await?;
            asked.commands += left.commands;
            asked.bytes_in += left.bytes_in;
            asked.bytes_out += left.bytes_out;
            match (performed, left.runs) {
                (true, 0) => return Ok(asked),
                // What was lost is told by the ledger.
                (false, 0) if empty.get_or_insert_with(Instant::now).elapsed() > GRACE => return Ok(asked),
                _ if start.elapsed() > STALLED => {
                    return Err(format!("{} left after {} s", left.runs, STALLED.as_secs()).into());
                }
                (true, _) => tokio::time::sleep(DONE).await,
                (false, _) => {}
            }
        }
    }

    /// Every run was performed, or there is no figure. A run that was performed twice makes none, too.
    async fn ledger(&self, mut worker: Process) -> Result<Performed, Failure> {
        worker.tell("report").await?;
        let performed: Performed = worker.answer(ANSWER).await?;
        worker.end().await?;
        let lost = self.runs - performed.performed;
        match (lost, performed.doubled) {
            (0, 0) => Ok(performed),
            (0, doubled) => Err(format!("performed {doubled} of {} twice", self.runs).into()),
            (lost, _) => Err(format!("lost {lost} of {}", self.runs).into()),
        }
    }
}

fn less(reading: Reading, ours: Left) -> Reading {
    Reading {
        commands: reading.commands.saturating_sub(ours.commands),
        bytes_in: reading.bytes_in.saturating_sub(ours.bytes_in),
        bytes_out: reading.bytes_out.saturating_sub(ours.bytes_out),
        ..reading
    }
}
