use mosquito::{Context, JobResult, PerformBlocking, job};

#[job(blocking)]
struct Greet;

impl PerformBlocking for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
