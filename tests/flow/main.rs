//! What jobs declare of how their runs flow, and what becomes of it: on each store by the testing kit, and at work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[macro_use]
mod stores;
mod jobs;

mod at_work;
mod enqueueing;
mod limits;
mod operators;
mod order;
mod unique;
