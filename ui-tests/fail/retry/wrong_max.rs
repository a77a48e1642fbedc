use mosquito::{Context, JobResult, Perform, job};

#[job(retry(backoff = exponential("2s", max = 3600, min = "1s")))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
