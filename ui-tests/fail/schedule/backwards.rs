use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "0 22-4 * * *")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
