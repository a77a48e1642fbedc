use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 1_000_001, per = "91d"), concurrency(limit = 4294967296))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
