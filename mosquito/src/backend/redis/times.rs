//! What time it is, and when periodic jobs ticked.

use super::Redis;
use super::keys::Key;
use crate::backend::{LastTick, Notebook};
use crate::clock::{self, Timestamp};
use crate::error::Result;
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
}
