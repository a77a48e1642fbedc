use mosquito::{Context, JobResult, Perform, job};

#[job(timeout = "1h 30m", deadline = "1h")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
