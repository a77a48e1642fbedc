use mosquito::{Context, JobResult, Perform, job};

#[job(timeout = "99999999999999999999d")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
