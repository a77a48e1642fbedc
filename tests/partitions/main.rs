//! A queue with partitions is one queue to whoever enqueues, operates and works: on each store by the testing kit, and at work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[macro_use]
mod stores;
mod jobs;

mod at_work;
mod enqueueing;
mod operators;
mod pauses;
