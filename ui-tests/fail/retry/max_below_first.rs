use mosquito::{Context, JobResult, Perform, job};

#[job(retry(backoff = linear("2m", max = "1m")))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
