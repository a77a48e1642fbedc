use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 0, per = "0s", weight = 0), concurrency(limit = 0))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
