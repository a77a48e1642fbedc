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
//! The struct is the job, its fields are its arguments; a *run* is one enqueued piece of work. A run stands in exactly one of four lists
//! of its queue: `waiting`, `pending` while it is performed, `scheduled` for later, `dead` when it is given up. Each move is one
//! atomic call of the store, so a crash finds no moment in between. It is performed **at least once**: a process that dies leaves
//! its runs to another one, which performs them again. Make what a job does the same when it is repeated.
//!
//! What follows is the least one has to know of each part, with the page of the [`guide`] that has the rest.
//!
//! # A job, and enqueueing it
//!
//! ```
//! use std::time::Duration;
//! use mosquito::{Context, JobResult, Mosquito, Perform, RunId, job};
//!
//! #[job]
//! struct Resize {
//!     image: String,
//!     width: u32,
//! }
//!
//! impl Perform for Resize {
//!     async fn perform(&self, cx: &Context<Self>) -> JobResult {
//!         println!("attempt {} at {}", cx.attempt(), self.image);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mosquito::Result<()> {
//! let mosquito = Mosquito::connect("memory://").await?;
//! let resize = |width| Resize { image: "cat.png".into(), width };
//!
//! mosquito.enqueue(resize(100)).await?;
//! mosquito.enqueue(resize(200)).delay(Duration::from_secs(60)).queue("bulk").await?;
//! mosquito.enqueue_all([300, 400, 500].map(resize)).await?;
//!
//! let again = || mosquito.enqueue(resize(600)).id(RunId::new("cat-600").expect("it is a good id"));
//! assert!(again().await?.is_new());
//! assert!(!again().await?.is_new()); // for as long as the queue holds that run
//! # Ok(()) }
//! ```
//!
//! More: [`guide::jobs`], [`guide::enqueueing`]; all keys of the attribute: [`job`](macro@job).
//!
//! # Failing, and trying again
//!
//! Any error, panic or timeout of an attempt is a failure. A run that failed waits, 2 s at first and twice as long each time, and is given up after
//! its 20th attempt, unless the job says otherwise. A job that knows better answers so by a [`JobError`].
//!
//! ```
//! # use std::time::Duration;
//! # use mosquito::{Context, JobError, JobResult, Perform, job};
//! #[job(retry(attempts = 5, backoff = fixed("1m")), timeout = "30s")]
//! struct Charge {
//!     cents: i64,
//! }
//!
//! impl Perform for Charge {
//!     async fn perform(&self, _: &Context<Self>) -> JobResult {
//!         match self.cents {
//!             ..0 => Err(JobError::dead("a charge cannot be negative")), // for somebody to look at
//!             0 => Err(JobError::discard("nothing to charge")),          // for nobody
//!             1..100 => Err(JobError::snooze(Duration::from_secs(3600))), // uses up no attempt
//!             _ => Err("the bank is closed".into()),                     // by the policy
//!         }
//!     }
//! }
//! ```
//!
//! More: [`guide::outcomes`], [`guide::retries`]; work that holds its thread, timeouts and cancellation: [`guide::stopping`].
//!
//! # At its times
//!
//! A periodic job is performed by itself: each of its ticks once, however many processes know it.
//!
//! ```
//! # use mosquito::{Context, JobResult, Perform, job};
//! #[job(cron = "0 6 * * MON-FRI", timezone = "Europe/Berlin", args = Self { region: "eu".into() })]
//! struct Report {
//!     region: String,
//! }
//! # impl Perform for Report { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//!
//! #[job(every = "1m")]
//! struct Sweep;
//! # impl Perform for Sweep { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//! ```
//!
//! More: [`guide::schedules`].
//!
//! # How runs flow
//!
//! What a job declares of uniqueness, limits, turns and priorities is kept by the store, for all processes together and without polling: a run that is over a limit
//! stays where it is, uses up no attempt, and holds up nothing else.
//!
//! ```
//! # use mosquito::{Context, Error, JobResult, Mosquito, Perform, Priority, job};
//! #[job(unique(by = [user_id]), rate_limit(limit = 100, per = "1s"), expires = "1h")]
//! struct Digest {
//!     user_id: u64,
//! }
//!
//! #[job(fair(by = [tenant]), concurrency(limit = 3, by = [tenant]), priority = 7)]
//! struct Export {
//!     tenant: String,
//! }
//! # impl Perform for Digest { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//! # impl Perform for Export { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> mosquito::Result<()> {
//! # let mosquito = Mosquito::connect("memory://").await?;
//! assert!(mosquito.enqueue(Digest { user_id: 7 }).await?.is_new());
//! assert!(!mosquito.enqueue(Digest { user_id: 7 }).await?.is_new()); // one is there
//! mosquito.enqueue(Export { tenant: "acme".into() }).priority(Priority::FIRST).await?;
//! # Ok(()) }
//! ```
//!
//! More: [`guide::unique`], [`guide::limits`], [`guide::priorities`]; a queue that is too big for one node of a Redis Cluster: [`guide::partitions`].
//!
//! # The application's own
//!
//! What a job needs of the application, a pool or a client, it names: `state(Pool, Mailer)`. Then `cx.state::<Pool>()` cannot fail, for a
//! runner that lacks one is not built. What it keeps for itself in the store, a cursor or a counter, is its [`Metadata`]. More: [`guide::state`].
//!
//! # Testing it
//!
//! With the feature `testing`, for tests alone. A month takes milliseconds.
//!
#![cfg_attr(feature = "testing", doc = "```test_harness")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! # use std::time::Duration;
//! # use mosquito::{Context, JobResult, Mosquito, Perform, job};
//! # #[job(queue = "mail")] struct SendWelcome { user_id: u64 }
//! # impl Perform for SendWelcome { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//! # async fn sign_up(mosquito: &Mosquito, user_id: u64) -> mosquito::Result<()> {
//! #     mosquito.enqueue(SendWelcome { user_id }).delay(Duration::from_secs(600)).await?;
//! #     Ok(())
//! # }
//! use mosquito::testing::{Testing, assert_enqueued};
//!
//! #[tokio::test]
//! async fn who_signs_up_is_greeted() -> mosquito::Result<()> {
//!     let testing = Testing::record().await?;
//!
//!     sign_up(&testing, 7).await?;
//!
//!     assert_enqueued!(testing, SendWelcome { user_id: 7, .. }, queue = "mail", within = "10m");
//!     let month = testing.run_for(Duration::from_secs(30 * 86_400)).await?;
//!     assert_eq!(month.succeeded, 1);
//!     Ok(())
//! }
//! ```
//!
//! More: [`guide::testing`]. Jobs change while runs of them are waiting: [`guide::changing`].
//!
//! # Many processes
//!
//! Any number of them share a Redis, or a SQLite file on one machine. Each performs the jobs that are linked into it; the linker drops a
//! crate that nothing refers to, so a worker whose jobs stand in another crate says [`link!`]. More: [`guide::crates`].
//!
//! # Operating it
//!
//! SIGTERM lets runs come to their end, and hands back the rest. A [`Queue`] is looked into, paused and emptied, and its runs are
//! [cancelled](guide::cancelling), also while they are performed;
//! [everything](Mosquito::pause) is paused at once; a [`Configuration`] in the store says how many executors there are, while they work; the log and [`events`] tell
//! what happens; [`dequeue`] decides from which queue to take next, and [`middleware`] stands around every enqueue and every attempt. What each store promises, and everything else:
//! [`guide::operating`]. How a store is made: [`backend`].
//!
//! # Features
//!
//! | feature | by default | what it brings |
//! |---|---|---|
//! | `macros` | yes | the `#[job]` attribute |
//! | `redis` | yes | queues in a Redis server, with or without TLS |
//! | `sqlite` | no | queues in a SQLite file, which several processes may share |
//! | `testing` | no | what applications test their jobs with: [`testing`](guide::testing) |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod backend;
mod client;
mod clock;
mod configuration;
pub mod dequeue;
mod error;
pub mod events;
mod flow;
// Pages to read, in any documentation.
#[cfg(all(doc, not(doctest)))]
pub mod guide;
// Their examples need the testing kit to be performed.
#[cfg(all(doctest, feature = "testing"))]
pub mod guide;
mod inspect;
mod job;
mod job_run;
pub mod middleware;
mod name;
mod pausing;
mod presence;
mod queue;
mod runner;
mod runners;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

// What is measured by itself is private, and stays so for everybody but the benchmarks.
#[cfg(feature = "bench")]
#[doc(hidden)]
#[path = "bench.rs"]
pub mod __bench;

#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use mosquito_macros::job;

/// The attribute that traits with asynchronous methods are implemented under: a [`middleware`], a [`Gate`](dequeue::Gate), a
/// [`Backend`](backend::Backend).
pub use async_trait::async_trait;
/// The crate of [`Timestamp`], for whoever makes one.
pub use chrono;
/// The crate by which arguments serialize: what a job's fields derive.
pub use serde;
/// The crate of what [`Upgrade`] is given.
pub use serde_json;

// Jobs, and what becomes of them.
pub use job::{
    Context, Deadline, Job, JobError, JobResult, NeedsState, Outcome, Perform, PerformBlocking, Upgrade,
    WhyCancelled, decide,
};

// What the attribute declares.
pub use job::{
    Argument, Backoff, DefaultArgs, JobSpec, Missed, Registration, Retry, Rhythm, ScheduleSpec, StateNeed,
    TickArgs, Weight,
};

// The client, and enqueueing.
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use backend::redis::Tls;
pub use backend::{Durability, Enqueued};
pub use client::{Mosquito, MosquitoBuilder};
pub use flow::{
    Concurrency, ConcurrencySpec, ConcurrencyUse, Fair, Flow, FlowKey, FlowKeyError, FlowSpec, KeyPart,
    KeyParts, OnConflict, Priority, RateKind, RateLimit, RateSpec, RateUse, Unique, UniqueSpec, Until,
};
pub use job::{Durable, Durably, Enqueue, EnqueueAll, Metadata};

// What operators say and see.
pub use configuration::{Configuration, Configured};
pub use inspect::PeriodicReport;
pub use pausing::Pausing;
pub use presence::{OverseerReport, Performing};
pub use queue::{CancelCount, Filter, Queue};

// What performs jobs.
pub use runner::{Report, Runner, RunnerBuilder, RunnerHandle};

// What can go wrong.
pub use error::{BoxError, BuildError, Error, Result};

// Names, times, and runs as they stand in a store.
pub use clock::{Clock, Timestamp};
pub use job_run::{
    Body, Envelope, EnvelopeError, History, HowEnded, JobRun, NewRun, PastAttempt, WIRE_VERSION, When,
    stamped,
};
pub use name::{JobName, LimitName, NameError, OverseerId, OverseerName, QueueName, RunId};

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

/// The README's programs compile, and its test passes.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;
