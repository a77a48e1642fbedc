use mosquito::{Context, JobResult, Perform, job};

#[job(qeue = "mail", timeout = "5 minuts", retry(attempts = 0))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
