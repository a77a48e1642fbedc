use mosquito::{Context, JobResult, Perform, job};

#[job(every = "*/5 * * * *")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
