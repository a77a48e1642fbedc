use mosquito::{Context, JobResult, Perform, job};

#[job(aliases("greet", "hello", "hello", "grüße"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
