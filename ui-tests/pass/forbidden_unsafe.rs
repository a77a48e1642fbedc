//! A crate may forbid unsafe code.

#![forbid(unsafe_code, unsafe_op_in_unsafe_fn)]

use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1m")]
struct Safe;

impl Perform for Safe {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
