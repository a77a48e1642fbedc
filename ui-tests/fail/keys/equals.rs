use mosquito::{Context, JobResult, Perform, job};

#[job(queue: "mail", timeout => "30s", name "greet", version == 2, retry(attempts: 8))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
