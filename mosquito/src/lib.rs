//! placeholder
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod backend;
mod client;
mod clock;
pub mod dequeue;
mod error;
pub mod events;
mod job;
mod job_run;
mod name;
mod queue;
mod runner;
mod runners;

#[cfg(feature = "macros")]
pub use mosquito_macros::job;

pub use backend::Enqueued;
pub use client::{Mosquito, MosquitoBuilder};
pub use clock::{Clock, Timestamp};
pub use error::{BoxError, BuildError, Error, Result};
pub use job::{
    Backoff, Context, Enqueue, EnqueueAll, Job, JobError, JobResult, JobSpec, Missed, NeedsState, Outcome,
    Perform, PerformBlocking, Registration, Retry, Rhythm, ScheduleSpec, StateNeed, decide,
};
pub use job_run::{EnvelopeError, History, JobRun, NewRun, WIRE_VERSION, When, stamped};
pub use name::{JobName, NameError, OverseerId, QueueName, RunId};
pub use queue::Queue;
pub use runner::{Report, Runner, RunnerBuilder, RunnerHandle};

/// Links crates whose jobs this process is to perform.
///
/// ```
/// mod mailroom_jobs {}
/// mosquito::link!(std);
/// ```
#[macro_export]
macro_rules! link {
    ($($jobs:ident),+ $(,)?) => {
        $(#[allow(unused_extern_crates)] extern crate $jobs as _;)+
    };
}
