use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "0 6 * * *" "* * * * *", timezone = "Europe/Berlin", mail::queue = "mail", timeout <30>)]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
