//! A job run: one enqueued piece of work, from its envelope to what became of its attempts.
//!
//! What never changes (job, arguments, time of enqueue) is the **envelope**: JSON, written once by the
//! client and never again. What changes with each attempt is its [`History`], stored beside it.

mod past_attempt;
mod serialized;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::clock::{self, Timestamp};
use crate::flow::Flow;
use crate::name::{JobName, QueueName, RunId};
pub use past_attempt::{HowEnded, PastAttempt};
#[cfg(feature = "sqlite")]
pub(crate) use past_attempt::{log_of_text, log_to_text};

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
#[derive(Clone)]
pub struct NewRun {
    /// The id under which it will stand in its queue. A store that has it already enqueues nothing.
    pub id: RunId,
    /// When it may be performed.
    pub when: When,
    /// What goes before it and what holds it up; nothing for a plain run.
    pub flow: Option<Box<Flow>>,
    body: String,
}

impl fmt::Debug for NewRun {
    /// Without the arguments, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = Unshown(self.body.len());
        f.debug_struct("NewRun")
            .field("id", &self.id)
            .field("when", &self.when)
            .field("flow", &self.flow)
            .field("body", &body)
            .finish()
    }
}

/// What may hold arguments, in `Debug`: its size.
pub(crate) struct Unshown(pub(crate) usize);

impl fmt::Debug for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

/// What a run is to do: the part of its envelope that the client writes.
#[derive(Clone, Copy)]
pub struct Body<'a> {
    /// The job.
    pub job: &'a JobName,
    /// The version of the job's arguments, from 1.
    pub version: u32,
    /// The arguments, as JSON.
    pub args: &'a RawValue,
    /// The moment in its schedule that a periodic job's run stands for.
    pub tick: Option<Timestamp>,
}

impl fmt::Debug for Body<'_> {
    /// Without the arguments, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("job", &self.job)
            .field("version", &self.version)
            .field("args", &Unshown(self.args.get().len()))
            .field("tick", &self.tick)
            .finish()
    }
}

impl<'a> Body<'a> {
    /// A run of a job that was enqueued by hand, with the first version of its arguments.
    #[must_use]
    pub fn new(job: &'a JobName, args: &'a RawValue) -> Self {
        Self { job, version: 1, args, tick: None }
    }
}

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    job: &'a str,
    #[serde(skip_serializing_if = "is_one")]
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<i64>,
    args: &'a RawValue,
}

impl NewRun {
    /// Makes a run.
    #[must_use]
    pub fn new(id: RunId, when: When, body: &Body<'_>) -> Self {
        let Body { job, version, args, tick } = *body;
        let tick = tick.map(|tick| tick.timestamp_millis());
        let body =
            serde_json::to_string(&Written { v: WIRE_VERSION, job: job.as_str(), version, tick, args })
                .expect("an object of numbers, text and JSON serializes");
        Self { id, when, flow: None, body }
    }

    /// The same run with what goes before it and what holds it up.
    #[must_use]
    pub fn flowing(mut self, flow: Flow) -> Self {
        self.flow = (!flow.is_plain()).then(|| Box::new(flow));
        self
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// How attempts ended, in their order: the first one and the last nine of those that were used up.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "past_attempt::readable")]
    pub log: Vec<PastAttempt>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

fn one() -> u32 {
    1
}

impl History {
    /// The same history after one more attempt, which failed of `error`.
    #[must_use]
    pub fn failed(&self, error: &str) -> Self {
        Self { attempts: self.attempts + 1, unknown: 0, error: Some(cut(error, ERROR_LIMIT)), ..self.clone() }
    }

    /// Adds an attempt to the log, which stays bounded.
    pub(crate) fn remember(&mut self, attempt: PastAttempt) {
        if self.log.len() >= past_attempt::REMEMBERED {
            // The first one stays: it says since when.
            self.log.remove(1);
        }
        self.log.push(attempt);
    }

    /// When the first attempt began that was used up.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        self.log.first().map(|attempt| attempt.at)
    }
}

/// A text of so many characters at most, and an ellipsis where it is cut.
fn cut(text: &str, characters: usize) -> String {
    cut_to(characters, text.into())
}

/// So many characters of a text, and an ellipsis when there are more.
pub(crate) fn cut_to(characters: usize, mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What never changes about a run, as its client and the backend wrote it.
#[derive(Clone)]
pub struct Envelope {
    /// The job it is a run of, as it was named at enqueue.
    pub job: JobName,
    /// The version of the job's arguments.
    pub version: u32,
    /// The arguments, as JSON.
    pub args: Box<RawValue>,
    /// When the backend took it.
    pub enqueued_at: Timestamp,
    /// The moment in its schedule that a periodic job's run stands for.
    pub tick: Option<Timestamp>,
}

impl fmt::Debug for Envelope {
    /// Without the arguments, which may hold what is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("job", &self.job)
            .field("version", &self.version)
            .field("args", &Unshown(self.args.get().len()))
            .field("enqueued_at", &self.enqueued_at)
            .field("tick", &self.tick)
            .finish()
    }
}

/// A run in the hands of an executor.
#[derive(Clone, Debug)]
pub struct JobRun {
    /// Its id.
    pub id: RunId,
    /// The queue it was claimed from.
    pub queue: QueueName,
    /// What it is to do.
    pub envelope: Envelope,
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

impl EnvelopeError {
    /// Whether another process may be able to read it.
    pub(crate) fn is_newer(&self) -> bool {
        matches!(self, Self::Newer(_))
    }
}

#[derive(Deserialize)]
struct Read {
    v: u32,
    job: String,
    #[serde(default = "one")]
    version: u32,
    enqueued_at: i64,
    #[serde(default)]
    tick: Option<i64>,
    args: Box<RawValue>,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

impl Envelope {
    /// Reads the bytes of an envelope.
    ///
    /// # Errors
    ///
    /// When it was written by a newer release, or is no envelope at all.
    pub fn read(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let garbled = |why: &dyn fmt::Display| EnvelopeError::Garbled(why.to_string());
        let read = match serde_json::from_slice::<Read>(bytes) {
            Ok(read) if read.v == WIRE_VERSION => read,
            result => {
                let version = serde_json::from_slice::<VersionOnly>(bytes).map_err(|why| garbled(&why))?.v;
                return Err(match result {
                    _ if version > WIRE_VERSION => EnvelopeError::Newer(version),
                    Err(why) => garbled(&why),
                    Ok(_) => garbled(&format!("there is no version {version}")),
                });
            }
        };
        Ok(Self {
            job: JobName::new(read.job).map_err(|why| garbled(&why))?,
            version: read.version,
            args: read.args,
            enqueued_at: clock::from_millis(read.enqueued_at),
            tick: read.tick.map(clock::from_millis),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Body, ERROR_LIMIT, Envelope, EnvelopeError, History, NewRun, When, stamped};
    use crate::clock::from_millis;
    use crate::name::{JobName, RunId};

    fn read(envelope: &str) -> Result<Envelope, EnvelopeError> {
        Envelope::read(envelope.as_bytes())
    }

    #[test]
    fn an_envelope_reads_as_it_was_written() {
        let args = RawValue::from_string(r#"{"user_id":7}"#.into()).unwrap();
        let job = JobName::new("send_welcome").unwrap();
        let tick = from_millis(1_700_000_000_000);
        let body = Body { tick: Some(tick), ..Body::new(&job, &args) };
        let new = NewRun::new(RunId::random(), When::Now, &body);

        let envelope = stamped(new.body(), from_millis(42));

        assert_eq!(
            envelope,
            r#"{"enqueued_at":42,"v":1,"job":"send_welcome","tick":1700000000000,"args":{"user_id":7}}"#
        );
        let read = read(&envelope).unwrap();
        assert_eq!((read.job, read.args.get(), read.tick), (job, args.get(), Some(tick)));
        assert_eq!((read.enqueued_at, read.version), (from_millis(42), 1));
    }

    #[test]
    fn only_a_later_version_of_the_arguments_is_written_down() {
        let args = RawValue::from_string("7".into()).unwrap();
        let job = JobName::new("send_welcome").unwrap();
        let new = NewRun::new(RunId::random(), When::Now, &Body { version: 3, ..Body::new(&job, &args) });

        assert_eq!(new.body(), r#"{"v":1,"job":"send_welcome","version":3,"args":7}"#);
        assert_eq!(read(&stamped(new.body(), from_millis(42))).unwrap().version, 3);
    }

    #[test]
    fn a_debugged_envelope_keeps_the_arguments_to_itself() {
        let read = read(r#"{"enqueued_at":1,"v":1,"job":"greet","args":"secret"}"#).unwrap();

        assert!(format!("{read:?}").contains("args: 8 bytes"), "{read:?}");
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
