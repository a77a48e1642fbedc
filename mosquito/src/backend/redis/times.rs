//! What time it is, and when periodic jobs ticked.

use super::keys::Key;
use super::{Redis, flow};
use crate::backend::{LastTick, Notebook, Overlap, Tick, Ticked};
use crate::clock::{self, Timestamp};
use crate::error::Result;
use crate::job_run::NewRun;
use crate::name::{JobName, QueueName};

impl Redis {
    /// That of the server which has what overseers tell of themselves.
    pub(super) async fn time(&self) -> Result<Timestamp> {
        if let Some(own) = &self.clock {
            return Ok(own.clock.now());
        }
        let key = self.keys.notes(&Notebook::Overseers);
        let (seconds, micros): (i64, i64) = self.query(&key, &::redis::cmd("TIME")).await?;
        Ok(clock::from_millis(seconds * 1000 + micros / 1000))
    }

    pub(super) async fn begun_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick> {
        self.list(queue).await?;
        let mut call = self.call(&self.scripts.last_tick, queue, &[Key::Schedules]);
        call.arg(job.as_str());
        let (at, now): (i64, i64) = self.answer(queue, &call).await?;
        Ok(LastTick { at: clock::from_millis(at), now: clock::from_millis(now) })
    }

    pub(super) async fn seen_tick(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>> {
        let mut call = self.call(&self.scripts.ticked, queue, &[Key::Schedules]);
        call.arg(job.as_str());
        let at: Option<i64> = self.answer(queue, &call).await?;
        Ok(at.map(clock::from_millis))
    }

    pub(super) async fn make_tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked> {
        self.list(queue).await?;
        let keys = [
            Key::Schedules,
            Key::Runs,
            Key::Dead,
            Key::Waiting,
            Key::Wake,
            Key::Scheduled,
            Key::Due,
            Key::Paused,
            Key::Held,
            Key::Jobs,
        ];
        let mut call = match &tick.run {
            Some(NewRun { flow: Some(_), .. }) => self.call_flowing(&self.scripts.tick, queue, &keys),
            _ => self.call(&self.scripts.tick, queue, &keys),
        };
        let overlap = match tick.overlap {
            Overlap::Skip => "skip",
            Overlap::Allow => "allow",
        };
        call.arg(tick.job.as_str()).arg(tick.at.timestamp_millis()).arg(overlap);
        match &tick.run {
            Some(run) => call.arg(run.id.as_str()).arg(run.body()).arg(flow::when_and_how(run)),
            None => call.arg("").arg("").arg(""),
        };
        let answer: String = self.answer(queue, &call).await?;
        Ok(match (answer.as_str(), &tick.run) {
            ("enqueued", Some(run)) => Ticked::Enqueued(run.id.clone()),
            ("stale", _) => Ticked::Stale,
            ("early", _) => Ticked::Early,
            _ => Ticked::Passed,
        })
    }
}
