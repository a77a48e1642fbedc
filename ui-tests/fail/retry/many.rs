use mosquito::{Context, JobResult, Perform, job};

#[job(retry(attempts = -1, backoff = exponential(2, max = "1 hour"), jitter = "20%", jitter = 0.2))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
