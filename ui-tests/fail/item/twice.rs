use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "mail")]
#[job(timeout = "5s")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
