//! Makes payloads of a job from nothing but its type, and reads kept ones as a runner would.
//!
//! A *draft* is a JSON value with holes. The type is asked, again and again, to be read from the draft; each
//! time it stops at the first hole with what it [asks for](ask), or with what is [wrong](fault) with what it got,
//! and the draft is filled or mended there. When nothing is missing any more, the draft is read and
//! written by `serde_json`, as an enqueue and a claim do: that is a payload.
//!
//! Invariant: every draft is bounded, in depth, in size, and in the number of readings. A type that is not done by
//! then is said to have no sample.

mod ask;
mod draft;
mod fault;
mod mend;
mod parts;
mod sampler;
#[cfg(test)]
mod tests;
mod tracer;
mod vary;

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::job::{Job, JobError, Kind, Registration};
use crate::job_run::Envelope;
use crate::name::JobName;

pub(crate) use sampler::Samples;

/// What a job's type can do for its payloads, without its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payloads {
    samples: fn() -> Samples,
    rewritten: fn(&str) -> Result<Box<RawValue>, String>,
}

impl Payloads {
    pub(crate) const fn of<J: Job>() -> Self {
        Self { samples: sampler::samples::<J>, rewritten: sampler::rewritten::<J> }
    }
}

/// What became of a payload that was read.
#[derive(Debug)]
pub(crate) enum Reread {
    /// It is a job again, whose arguments are written so today.
    Args(Box<RawValue>),
    /// The job's upgrade discards it, and says so.
    Discarded,
}

impl Registration {
    /// Payloads that show all that the job's arguments can be, as far as its type gives it away.
    pub(crate) fn samples(&self) -> Samples {
        (self.payloads.samples)()
    }

    /// Reads arguments of some version as a runner would, and writes them again.
    ///
    /// # Errors
    ///
    /// Why a runner would put the run into `dead`, with the path to the field.
    pub(crate) fn reread(&self, version: u32, args: &RawValue) -> Result<Reread, String> {
        let job = JobName::new(self.spec.name).map_err(|why| why.to_string())?;
        let args = args.to_owned();
        let envelope = Envelope { job, version, args, enqueued_at: Timestamp::UNIX_EPOCH, tick: None };
        let upgraded = catch_unwind(AssertUnwindSafe(|| self.upgraded(envelope)))
            .unwrap_or_else(|_| Err(JobError::dead("it panics")));
        match upgraded {
            Ok(envelope) => (self.payloads.rewritten)(envelope.args.get()).map(Reread::Args),
            Err(JobError(Kind::Discard(_))) => Ok(Reread::Discarded),
            Err(error) => Err(format!("the upgrade from version {version} says: {error}")),
        }
    }
}
