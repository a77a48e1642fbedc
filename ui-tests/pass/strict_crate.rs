//! A crate may forbid itself whatever it likes, and call its own things as it likes.

#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
#![forbid(unsafe_code)]
#![no_implicit_prelude]

/// Has the name of the framework.
pub mod mosquito {}

/// Has the name of the standard library.
pub mod std {}

/// Has the name of a trait that the attribute implements.
pub struct Job;

/// Has the name of what the standard library calls so.
pub struct Option;

/// Has the name of what the standard library calls so.
pub struct Result;

/// Has the name of what the standard library calls so.
pub struct String;

/// Has the name of the standard library's.
pub trait Default {}

/// A state with a name that the attribute could have thought of.
pub struct MosquitoState1;

/// A job.
#[::mosquito::job(
    queue = "mail",
    retry(attempts = 3, backoff = linear("1s")),
    timeout = "30s",
    cron = "0 6 * * *",
    unique(by = [id, tags]),
    rate_limit(limit = 10, per = "1s", by = [id], weight = self.tags.len()),
    concurrency(limit = 3, by = [id]),
    fair(by = [tags], weight = id),
    priority = 3,
    expires = "1h",
    state(Job, MosquitoState1, Option)
)]
#[derive(::std::default::Default)]
pub struct Greet {
    /// An argument.
    pub id: u64,
    /// Another.
    pub tags: ::std::vec::Vec<::std::string::String>,
}

impl ::mosquito::Perform for Greet {
    async fn perform(&self, cx: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        let (_, _, _) = (cx.state::<Job>(), cx.state::<MosquitoState1>(), cx.state::<Option>());
        ::std::result::Result::Ok(())
    }
}

/// A job that nothing but its schedule makes.
#[::mosquito::job(every = "1m", blocking)]
struct Sweep;

impl ::mosquito::PerformBlocking for Sweep {
    fn perform(&self, _: &::mosquito::Context<Self>) -> ::mosquito::JobResult {
        ::std::result::Result::Ok(())
    }
}

fn main() {}
