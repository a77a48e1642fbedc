use mosquito::{Context, JobResult, Perform, job};

#[job(retry(backoff = "exponential"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
