use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(redact = true)]
    name: String,
    #[job(redact("all"))]
    card: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
