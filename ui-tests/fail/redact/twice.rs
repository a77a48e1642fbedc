use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(redact, redact)]
    name: String,
    #[job(redact)]
    #[job(redact)]
    card: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
