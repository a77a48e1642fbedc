use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "5m")]
struct Greet;

#[job(cron = "@every 5m")]
struct Part;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}

impl Perform for Part {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}
