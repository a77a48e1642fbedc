//! What applications test their jobs with.
//!
//! Turn the feature on for tests alone:
//!
//! ```toml
//! [dev-dependencies]
//! mosquito = { version = "0.1", features = ["testing"] }
//! ```
//!
//! Each test makes a [`Testing`] of its own: a client of a store of its own, in memory unless it says otherwise, on a clock that
//! it moves. Nothing is shared between tests and there is nothing to reset.
//!
//! | to see | use |
//! |---|---|
//! | what is enqueued, with which arguments, where and when | [`Testing::record`], [`assert_enqueued!`], [`refute_enqueued!`], [`Testing::enqueued`] |
//! | that it also works when it is performed | [`Testing::drain`], whose answer counts what became of the runs |
//! | one job's own behaviour, at its third attempt | [`Testing::perform`] |
//! | a flow from end to end | [`Testing::inline`] |
//! | schedules, retries, delays | [`Testing::run_for`], which lets time pass and performs each run at its own moment |
//!
//! What is performed is performed by a runner's own parts, through serialization, with hooks, timeouts, policies and panics: only
//! that it is one run at a time, and that the waits for a retry are in the middle of their jitter.
//!
//! # A month in a test
//!
//! ```standalone_crate
//! # use mosquito::{Context, JobResult, Perform, job};
//! # use std::time::Duration;
//! #[job(cron = "0 6 * * *")]
//! struct DailyReport;
//! # impl Perform for DailyReport { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
//! use mosquito::testing::Testing;
//!
//! let testing = Testing::record().await?;
//! let month = testing.run_for(Duration::from_secs(30 * 86_400)).await?;
//! assert_eq!(month.succeeded, 30);
//! # Ok(()) }
//! ```
//!
//! # The same on another store
//!
//! `Testing::record().store("sqlite://")` is a file of the test's own, and `.store("redis://127.0.0.1/")` a corner of a server; the
//! test is otherwise the same. Each is emptied when its `Testing` is dropped, also by a test that panics. A job that reads the machine's clock by itself sees the machine's time: what the store
//! says is in [`Context::tick`](crate::Context::tick) and [`Context::enqueued_at`](crate::Context::enqueued_at).
//!
//! # Jobs that wait
//!
//! What a job itself waits for, and its `timeout`, passes by tokio's clock, and the store's stands still meanwhile. With
//! `#[tokio::test(start_paused = true)]` a job that hangs is over its timeout at once. Tokio's paused clock runs ahead of threads,
//! though: keep it for stores in memory and for jobs that are not `blocking`.

mod assertions;
mod bench;
mod drain;
mod expected;
pub mod payload;
mod performed;
mod scope;
mod standing;
mod store;

pub use drain::{Drain, PerformJob};
pub use expected::{Expected, Span, is};
pub use payload::PayloadCheck;
pub use performed::{Drained, Performed};
pub use scope::{Testing, TestingBuilder};
pub use standing::{EnqueuedJob, Standing};

#[doc(inline)]
pub use crate::{assert_enqueued, assert_payload_compatible, refute_enqueued};
