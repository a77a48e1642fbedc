//! Typed background jobs: annotate a struct, and it is queued, retried and scheduled; on Redis, on SQLite
//! or in memory.
//!
//! ```standalone_crate
//! use mosquito::{Context, JobResult, Mosquito, Perform, job};
//!
//! /// Greets a new user by mail.
//! #[job(queue = "mail", retry(attempts = 8, backoff = exponential("2s", max = "1h")), timeout = "30s", state(Mailer))]
//! pub struct SendWelcome {
//!     pub user_id: u64,
//!     pub template: String,
//! }
//!
//! impl Perform for SendWelcome {
//!     async fn perform(&self, cx: &Context<Self>) -> JobResult {
//!         cx.state::<Mailer>().deliver(self.user_id, &self.template).await?; // an error: tried again by the policy
//!         Ok(())
//!     }
//! }
//! # pub struct Mailer;
//! # impl Mailer {
//! #     async fn deliver(&self, _: u64, _: &str) -> Result<(), std::io::Error> { Ok(()) }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mosquito::Result<()> {
//! let mosquito = Mosquito::connect("memory://").await?; // redis://127.0.0.1/, rediss://…, sqlite://jobs.db
//! mosquito.enqueue(SendWelcome { user_id: 1, template: "hi".into() }).await?;
//!
//! # let mut events = mosquito.events();
//! let runner = mosquito.runner().state(Mailer).build()?; // or everything that is wrong, in one list
//! # let handle = runner.handle();
//! # tokio::spawn(async move {
//! #     while let Some(event) = events.next().await {
//! #         if matches!(event, mosquito::events::Event::Finished { .. }) { handle.stop() }
//! #     }
//! # });
//! let report = runner.run().await?; // until SIGTERM, then drains
//! println!("{report}"); // performed 1, failed 0, handed back 0
//! # assert_eq!(report.performed, 1);
//! # Ok(()) }
//! ```
//!
//! # To read in this order
//!
//! 1. [`job`](macro@job), the attribute, with the table of all its keys; [`Perform`] and [`PerformBlocking`], which say what a job
//!    does; [`Context`], what it sees meanwhile.
//! 2. [`Mosquito`], the client; [`Enqueue`] and [`EnqueueAll`], for when and where.
//! 3. [`JobError`] and [`Retry`]: what becomes of a run that fails. [`ScheduleSpec`]: jobs that are performed by themselves.
//! 4. [`RunnerBuilder`] and [`Runner`]: what performs jobs; [`dequeue`], from which queue; [`Report`], what it did.
//! 5. [`Queue`], to look into queues and to pause them; [`events`], to see what happens.
//! 6. [`backend`], for whoever wants to know how it is stored, or to store it elsewhere.
//!
//! # What a run goes through
//!
//! A run stands in exactly one of four lists of its queue: `waiting`, `pending` while it is performed, `scheduled` for
//! later, `dead` when it is given up. Each move is one atomic call of the store, so a crash finds no moment in between.
//! A run is performed **at least once**: a process that dies leaves its runs to another one, which performs them
//! again. Make what a job does the same when it is repeated.
//!
//! # Jobs in a crate of their own
//!
//! A job registers itself when its crate is linked, and the linker drops a crate that nothing refers to. A worker whose jobs stand
//! in another crate says so with [`link!`]; otherwise `build()` complains that no job is registered.
//!
//! # Features
//!
//! | feature | by default | what it brings |
//! |---|---|---|
//! | `macros` | yes | the `#[job]` attribute |
//! | `redis` | yes | queues in a Redis server, with or without TLS |
//! | `sqlite` | no | queues in a SQLite file, which several processes may share |

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
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[cfg(feature = "macros")]
pub use mosquito_macros::job;

/// The crate of [`Timestamp`], for whoever makes one.
pub use chrono;
/// The crate by which arguments serialize: what a job's fields derive.
pub use serde;
/// The crate of what [`Upgrade`] is given.
pub use serde_json;

pub use backend::Enqueued;
pub use client::{Mosquito, MosquitoBuilder};
pub use clock::{Clock, Timestamp};
pub use error::{BoxError, BuildError, Error, Result};
pub use job::{
    Backoff, Context, DefaultArgs, Enqueue, EnqueueAll, Job, JobError, JobResult, JobSpec, Missed,
    NeedsState, Outcome, Perform, PerformBlocking, Registration, Retry, Rhythm, ScheduleSpec, StateNeed,
    TickArgs, Upgrade, decide,
};
pub use job_run::{Body, Envelope, EnvelopeError, History, JobRun, NewRun, WIRE_VERSION, When, stamped};
pub use name::{JobName, NameError, OverseerId, QueueName, RunId};
pub use queue::Queue;
pub use runner::{Report, Runner, RunnerBuilder, RunnerHandle};

/// Links crates whose jobs this process is to perform, though it never names them: `mosquito::link!(mail_jobs, report_jobs);`
///
/// Without it the linker drops a crate that nothing refers to, and the jobs in it are not registered.
///
/// ```
/// // In a worker: the name of a crate from its Cargo.toml.
/// mosquito::link!(tokio);
/// ```
#[macro_export]
macro_rules! link {
    ($($jobs:ident),+ $(,)?) => {
        $(extern crate $jobs as _;)+
    };
}

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
