//! Application code around every enqueue, and around every attempt.
//!
//! ```text
//!                ┌ EnqueueMiddleware ┐                         ┌──── Middleware ────┐
//! enqueue(job) ──┤  first ─> second  ├──> store ──> executor ──┤  first ─> second   ├──> before, perform, after
//!                └───────────────────┘                         └────────────────────┘
//! ```
//!
//! An [`EnqueueMiddleware`] is given to a client, by
//! [`MosquitoBuilder::enqueue_middleware`](crate::MosquitoBuilder::enqueue_middleware); a [`Middleware`] to a runner, by
//! [`RunnerBuilder::middleware`](crate::RunnerBuilder::middleware). The first one given is the outermost: it acts first, and sees last what came
//! of it. Where none is given, nothing is called and nothing allocated.
//!
//! The guide has a page on it: [`guide::middleware`](crate::guide::middleware).

mod around;
mod before_enqueue;
mod enqueue;
mod extensions;
mod perform;
mod preempt;
mod timed;
mod try_again;

pub use before_enqueue::BeforeEnqueue;
pub use enqueue::{EnqueueMiddleware, NewRuns, NextEnqueue, PlacedRun};
pub use perform::{Attempt, Middleware, Next};
pub use preempt::Preempt;
pub use timed::Timed;
pub use try_again::TryAgain;

pub(crate) use around::around;
pub(crate) use enqueue::EnqueueLayers;
pub(crate) use extensions::Extensions;
pub(crate) use perform::Layers;
