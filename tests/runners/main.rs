//! How runners perform jobs, and what they do when something goes wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod building;
mod cancelling;
mod configuration;
mod deadlines;
mod dequeuing;
mod executor_count;
mod gates;
mod idle;
mod jobs;
mod leases;
mod lost_answers;
mod metadata;
mod middleware;
mod outages;
mod outcomes;
mod pauses;
mod periodic;
mod places;
mod pool;
mod prefetch;
mod presence;
mod scale;
mod shutdown;
mod sync_ack;
mod working;
