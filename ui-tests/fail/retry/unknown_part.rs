use mosquito::{Context, JobResult, Perform, job};

#[job(retry(atempts = 5, max = "1h"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
