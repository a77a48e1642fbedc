use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", missed = "never", overlap = "skp")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
