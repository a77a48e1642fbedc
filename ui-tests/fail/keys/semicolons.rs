use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "mail"; retry(attempts = 3; jitter = 0.2); timeout = "30s")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
