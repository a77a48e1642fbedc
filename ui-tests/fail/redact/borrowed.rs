use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(redact)]
    name: &str,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
