use mosquito::{Context, JobResult, Perform, job};

#[job(timeout = "0s")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
