use mosquito::{Context, JobResult, Perform, job};

#[job(qeue = "mail", colour = "red", retires = 5, max_attempts = 3, tz = "UTC")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
