use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 10, per = "1s", key = "stripe api"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
