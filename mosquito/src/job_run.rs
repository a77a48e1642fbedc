//! A job run: one enqueued piece of work, from its envelope to what became of its attempts.
//!
//! What never changes (job, arguments, time of enqueue) is the **envelope**: JSON, written once by the
//! client and never again. What changes with each attempt is its [`History`], stored beside it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::{self, Timestamp};
use crate::name::{JobName, QueueName, RunId};

/// The version of the envelope that this release writes, and the newest that it reads.
pub const WIRE_VERSION: u32 = 1;

/// The most characters of an error that are kept with a run.
pub(crate) const ERROR_LIMIT: usize = 2_000;

/// When a run may be performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum When {
    /// As soon as an executor is idle.
    #[default]
    Now,
    /// So long after the backend took it, by the backend's clock.
    After(Duration),
    /// At a time, by the backend's clock; at once when that is past.
    At(Timestamp),
}

/// A run on its way into a store.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The id under which it will stand in its queue. A store that has it already enqueues nothing.
    pub id: RunId,
    /// When it may be performed.
    pub when: When,
    body: String,
}

#[derive(Serialize)]
struct Body<'a> {
    v: u32,
    job: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<i64>,
    args: &'a RawValue,
}

impl NewRun {
    /// Makes a run of a job with arguments that are JSON already. `tick` is the moment in its schedule
    /// that a periodic job's run stands for.
    #[must_use]
    pub fn new(id: RunId, job: &JobName, args: &RawValue, tick: Option<Timestamp>, when: When) -> Self {
        let tick = tick.map(|tick| tick.timestamp_millis());
        let body = serde_json::to_string(&Body { v: WIRE_VERSION, job: job.as_str(), tick, args })
            .expect("an object of numbers, text and JSON serializes");
        Self { id, when, body }
    }

    /// The envelope, but for the time of enqueue, which [`stamped`] adds: a JSON object.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// An envelope's body with the time at which the backend took it.
#[must_use]
pub fn stamped(body: &str, enqueued_at: Timestamp) -> String {
    let members = body.strip_prefix('{').expect("a body is a JSON object");
    format!("{{\"enqueued_at\":{},{members}", enqueued_at.timestamp_millis())
}

/// What has become of a run's attempts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// How many attempts were used up.
    pub attempts: u32,
    /// How many of them ended with the death of the process.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashes: u32,
    /// How often in a row it was put off because the process that claimed it does not know its job.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u32,
    /// What the last one failed of; at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl History {
    /// The same history after one more attempt, which failed of `error`.
    #[must_use]
    pub fn failed(&self, error: &str) -> Self {
        Self { attempts: self.attempts + 1, unknown: 0, error: Some(cut(error)), ..self.clone() }
    }
}

fn cut(error: &str) -> String {
    match error.char_indices().nth(ERROR_LIMIT) {
        None => error.into(),
        Some((end, _)) => format!("{}…", &error[..end]),
    }
}

/// A run in the hands of an executor.
#[derive(Clone, Debug)]
pub struct JobRun {
    /// Its id.
    pub id: RunId,
    /// The queue it was claimed from.
    pub queue: QueueName,
    /// The job it is a run of, as it was named at enqueue.
    pub job: JobName,
    /// The arguments, as JSON.
    pub args: Box<RawValue>,
    /// When the backend took it.
    pub enqueued_at: Timestamp,
    /// The moment in its schedule that a periodic job's run stands for.
    pub tick: Option<Timestamp>,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the backend handed it out for this attempt.
    pub claimed_at: Timestamp,
    /// What became of the attempts before this one.
    pub history: History,
}

/// Why an envelope could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It was written by a newer release: to be left for one.
    #[error("the envelope has version {0}, newer than {WIRE_VERSION}")]
    Newer(u32),
    /// It is no envelope.
    #[error("the envelope cannot be read: {0}")]
    Garbled(String),
}

#[derive(Deserialize)]
struct Envelope {
    v: u32,
    job: String,
    enqueued_at: i64,
    #[serde(default)]
    tick: Option<i64>,
    args: Box<RawValue>,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

impl JobRun {
    /// Reads an envelope.
    ///
    /// # Errors
    ///
    /// When it was written by a newer release, or is no envelope at all.
    pub fn read(
        id: RunId,
        queue: QueueName,
        envelope: &[u8],
        history: History,
        claimed_at: Timestamp,
    ) -> Result<Self, EnvelopeError> {
        let garbled = |why: &dyn std::fmt::Display| EnvelopeError::Garbled(why.to_string());
        let read = match serde_json::from_slice::<Envelope>(envelope) {
            Ok(read) if read.v == WIRE_VERSION => read,
            result => {
                let version = serde_json::from_slice::<VersionOnly>(envelope).map_err(|why| garbled(&why))?.v;
                return Err(match result {
                    _ if version > WIRE_VERSION => EnvelopeError::Newer(version),
                    Err(why) => garbled(&why),
                    Ok(_) => garbled(&format!("there is no version {version}")),
                });
            }
        };
        Ok(Self {
            id,
            queue,
            job: JobName::new(read.job).map_err(|why| garbled(&why))?,
            args: read.args,
            enqueued_at: clock::from_millis(read.enqueued_at),
            tick: read.tick.map(clock::from_millis),
            attempt: history.attempts + 1,
            claimed_at,
            history,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{ERROR_LIMIT, EnvelopeError, History, JobRun, NewRun, When, stamped};
    use crate::clock::from_millis;
    use crate::name::{JobName, QueueName, RunId};

    fn read(envelope: &str) -> Result<JobRun, EnvelopeError> {
        let history = History { attempts: 2, ..History::default() };
        JobRun::read(
            RunId::random(),
            QueueName::new("q").unwrap(),
            envelope.as_bytes(),
            history,
            from_millis(0),
        )
    }

    #[test]
    fn an_envelope_reads_as_it_was_written() {
        let args = RawValue::from_string(r#"{"user_id":7}"#.into()).unwrap();
        let job = JobName::new("send_welcome").unwrap();
        let tick = from_millis(1_700_000_000_000);
        let new = NewRun::new(RunId::random(), &job, &args, Some(tick), When::Now);

        let envelope = stamped(new.body(), from_millis(42));

        assert_eq!(
            envelope,
            r#"{"enqueued_at":42,"v":1,"job":"send_welcome","tick":1700000000000,"args":{"user_id":7}}"#
        );
        let run = read(&envelope).unwrap();
        assert_eq!((run.job, run.args.get(), run.tick), (job, args.get(), Some(tick)));
        assert_eq!((run.enqueued_at, run.attempt), (from_millis(42), 3));
    }

    #[test]
    fn a_newer_envelope_is_told_from_a_garbled_one() {
        assert_eq!(read(r#"{"v":2,"jobs":[]}"#).unwrap_err(), EnvelopeError::Newer(2));
        for garbled in
            ["", "{", "[1]", r#"{"v":1}"#, r#"{"v":0}"#, r#"{"v":1,"job":"a b","enqueued_at":1,"args":null}"#]
        {
            assert!(matches!(read(garbled), Err(EnvelopeError::Garbled(_))), "{garbled}");
        }
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let history = History::default().failed(&"ü".repeat(ERROR_LIMIT + 1));

        assert_eq!(history.error.unwrap().chars().count(), ERROR_LIMIT + 1, "the limit and an ellipsis");
    }
}
