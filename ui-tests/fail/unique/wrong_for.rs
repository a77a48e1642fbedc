use mosquito::{Context, JobResult, Perform, job};

#[job(unique(for = 3600))]
struct Greet;

#[job(unique(for = "1 hour"))]
struct Hour;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Hour {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
