use mosquito::{Context, JobResult, Perform, job};

#[job(deadline = "tomorrow", retry_for = "1h")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
