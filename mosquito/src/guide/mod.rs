//! How to use mosquito: one concept a page, to be read in this order or looked up.
//!
//! | page | answers |
//! |---|---|
//! | [`jobs`] | What is a job, what may its arguments be, what does it see while it is performed? |
//! | [`enqueueing`] | How is a run enqueued: now, later, elsewhere, many at once, and only once? |
//! | [`outcomes`] | What becomes of a run, however its attempt ends? |
//! | [`retries`] | When is a failed run tried again, and how often? |
//! | [`schedules`] | How is a job performed by itself, at its times, once in a whole fleet? |
//! | [`state`] | How does a job get at the application's pool, client or settings, and what can it keep for itself? |
//! | [`unique`] | How is there at most one run of the same arguments, and what becomes of a second one? |
//! | [`limits`] | How are so many runs performed in a time, so many at once, and everybody in turn? |
//! | [`priorities`] | Which runs go first, and which go no more? |
//! | [`partitions`] | What about a queue that is too big for one node of a Redis Cluster? |
//! | [`cancelling`] | How is a run cancelled, also while it is performed? |
//! | [`stopping`] | What ends a run early, and what about work that holds its thread? |
//! | [`middleware`] | What stands around every enqueue and every attempt, and what holds a queue back? |
//! | [`changing`] | How does a job change while runs of it are waiting? |
//! | [`crates`] | How are jobs in another crate found, and what is checked before anything runs? |
//! | [`testing`] | How is all that tested, a month of it if need be? |
//! | [`operating`] | How is it run: stores and what each promises, signals, log, the fleet, pauses, dead runs? |
//! | [`configuration`] | What can be said to runners while they work: executors, limits of queues? |
//! | [`redis`] | How is a Redis set up for it: TLS, a user of its own, what it must not forget? |
//! | [`coming_from_mosquito`] | What is it called here, for whoever knows Mosquito of Crystal? |
//!
//! The examples are tested with each release. They use `memory://`, where everything is as in the other stores except
//! that it ends with its process.

#[doc = include_str!("jobs.md")]
pub mod jobs {}

#[doc = include_str!("enqueueing.md")]
pub mod enqueueing {}

#[doc = include_str!("outcomes.md")]
pub mod outcomes {}

#[doc = include_str!("retries.md")]
pub mod retries {}

#[doc = include_str!("schedules.md")]
pub mod schedules {}

#[doc = include_str!("state.md")]
pub mod state {}

#[doc = include_str!("unique.md")]
pub mod unique {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("priorities.md")]
pub mod priorities {}

#[doc = include_str!("partitions.md")]
pub mod partitions {}

#[doc = include_str!("cancelling.md")]
pub mod cancelling {}

#[doc = include_str!("stopping.md")]
pub mod stopping {}

#[doc = include_str!("middleware.md")]
pub mod middleware {}

#[doc = include_str!("changing.md")]
pub mod changing {}

#[doc = include_str!("crates.md")]
pub mod crates {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("operating.md")]
pub mod operating {}

#[doc = include_str!("configuration.md")]
pub mod configuration {}

#[doc = include_str!("redis.md")]
pub mod redis {}

#[doc = include_str!("coming_from_mosquito.md")]
pub mod coming_from_mosquito {}
