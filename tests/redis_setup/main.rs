//! How a Redis is set up, and what is said of one that is set up differently: TLS, users, persistence, replicas.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod certificates;
mod checkup;
mod durability;
mod tls;
mod users;
mod working;
