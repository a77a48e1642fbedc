use mosquito::{Context, JobResult, Perform, job};

#[job(version = "2")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
