use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[serde(skip)]
    #[job(redact)]
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
