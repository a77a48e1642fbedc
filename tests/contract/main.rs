//! The contract of a backend, stated once and checked on each: memory, a SQLite file, a Redis server.
//!
//! A fact is a function of a [`Store`](store::Store), named as a sentence. `cargo test --test contract sqlite`
//! checks them on one backend alone. Time is moved by hand on memory and SQLite; on Redis it is the
//! server's and really passes, so that facts about time use short durations.

#[macro_use]
mod facts;
mod making;
mod store;

#[cfg(feature = "redis")]
mod bulk;
#[cfg(feature = "redis")]
mod by_hand;
mod cancelling;
mod claim;
mod clock_set_back;
mod concurrency;
mod durability;
mod enqueue;
mod everything;
mod exchange;
mod filters;
mod flow;
#[cfg(feature = "redis")]
mod foreign_keys;
#[cfg(feature = "redis")]
mod gathering;
mod inside;
mod leadership;
mod leases;
mod model;
mod names;
mod notes;
mod pause;
mod pieces;
mod reads;
mod removal;
#[cfg(feature = "sqlite")]
mod rows;
mod schedule;
mod settle;
mod small;
mod storm;
mod ticks;
mod together;
#[cfg(feature = "sqlite")]
mod two_processes;
mod waiting;
