use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(100, "1s"), concurrency(3))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
