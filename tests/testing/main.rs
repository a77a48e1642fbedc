//! The testing kit, on each store: what holds in memory holds in a file and on a server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[macro_use]
mod stores;
mod jobs;

mod expectations;
mod inline;
mod middleware;
mod payloads;
mod performing;
mod secrets;
mod time;
