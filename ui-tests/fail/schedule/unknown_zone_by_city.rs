use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "@daily", timezone = "Berlin")]
struct Greet;

#[job(cron = "@daily", timezone = "+02:00")]
struct Offset;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Offset {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
