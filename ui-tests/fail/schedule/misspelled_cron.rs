use mosquito::{Context, JobResult, Perform, job};

#[job(crn = "0 6 * * *", timezone = "Europe/Berlin", missed = "skip")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
