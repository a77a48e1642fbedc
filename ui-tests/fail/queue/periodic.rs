use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partitions = 8), every = "1m")]
struct Sweep;

impl Perform for Sweep {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
