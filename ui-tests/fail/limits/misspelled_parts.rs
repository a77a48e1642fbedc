use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limt = 100, pre = "1s"), concurrency(limit = 3, per = "1s"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
