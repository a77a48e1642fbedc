//! What a test has performed: everything that is due, or one job.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use crate::client::Mosquito;
use crate::error::Result;
use crate::job::Job;
use crate::job_run::When;
use crate::name::{JobName, QueueName, RunId};
use crate::testing::bench::{Bench, MOMENT_LIMIT, Plan};
use crate::testing::{Drained, Performed};

/// Performs what is due, once it is awaited. Dropped in the middle, it leaves the run that it was at in `pending`, as a
/// process does that dies.
#[derive(Debug)]
#[must_use = "nothing is performed until this is awaited"]
pub struct Drain<'a> {
    bench: &'a Bench,
    time: Option<Duration>,
    queue: Option<String>,
    limit: usize,
}

impl<'a> Drain<'a> {
    pub(super) fn new(bench: &'a Bench, time: Option<Duration>) -> Self {
        Self { bench, time, queue: None, limit: MOMENT_LIMIT }
    }

    /// Performs the runs of one queue only, and no ticks.
    pub fn queue(mut self, queue: impl Into<String>) -> Self {
        self.queue = Some(queue.into());
        self
    }

    /// How many attempts may be made at one moment, 10,000 by default. More make the test panic: a job that enqueues
    /// itself without end would otherwise hang it.
    pub fn limit(mut self, attempts: usize) -> Self {
        self.limit = attempts;
        self
    }

    async fn perform(self) -> Result<Drained> {
        let queue = self.queue.map(QueueName::new).transpose()?;
        let plan = Plan { queue, limit: self.limit };
        match self.time {
            None => self.bench.drain(&plan).await,
            Some(time) => self.bench.run_for(time, &plan).await,
        }
    }
}

impl<'a> IntoFuture for Drain<'a> {
    type Output = Result<Drained>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Drained>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.perform())
    }
}

/// Performs one job, once it is awaited: its arguments are serialized and decoded, its hooks are called, and its outcome
/// is decided, as for a run that was enqueued.
#[derive(Debug)]
#[must_use = "nothing is performed until this is awaited"]
pub struct PerformJob<'a, J> {
    bench: &'a Bench,
    mosquito: &'a Mosquito,
    job: J,
    attempt: u32,
}

impl<'a, J: Job> PerformJob<'a, J> {
    pub(super) fn new(bench: &'a Bench, mosquito: &'a Mosquito, job: J) -> Self {
        Self { bench, mosquito, job, attempt: 1 }
    }

    /// Performs it as such an attempt, from 1: the job's last one ends in `dead` when it fails.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    async fn perform(self) -> Result<Performed> {
        let (id, name) = (RunId::random(), JobName::new(J::SPEC.name)?);
        let run = self.mosquito.enqueuer.run_of(id, When::Now, &name, &self.job)?;
        self.bench.perform(&QueueName::new(J::SPEC.queue)?, &run, self.attempt).await
    }
}

impl<'a, J: Job> IntoFuture for PerformJob<'a, J> {
    type Output = Result<Performed>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Performed>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.perform())
    }
}
