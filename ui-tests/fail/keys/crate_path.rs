use mosquito::{Context, JobResult, Perform, job};

#[job(crate = "not a path")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
