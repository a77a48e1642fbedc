//! placeholder
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod backend;
mod client;
mod clock;
mod error;
pub mod events;
mod job;
mod job_run;
mod name;
mod queue;

#[cfg(feature = "macros")]
pub use mosquito_macros::job;

pub use client::{Mosquito, MosquitoBuilder};
pub use clock::{Clock, Timestamp};
pub use error::{BoxError, BuildError, Error, Result};
pub use job::*;
pub use job_run::{EnvelopeError, History, JobRun, NewRun, WIRE_VERSION, When, stamped};
pub use name::{JobName, NameError, OverseerId, QueueName, RunId};
pub use queue::Queue;
