use mosquito::{Context, JobResult, Perform, job};

#[job(priority = "high")]
struct Greet;

#[job(priority = -1)]
struct Low;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Low {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
