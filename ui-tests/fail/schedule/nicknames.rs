use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "@midnight")]
struct Greet;

#[job(cron = "@reboot")]
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
