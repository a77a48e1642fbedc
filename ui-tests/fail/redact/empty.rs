use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job]
    name: String,
    #[job()]
    card: String,
    #[job = "redact"]
    code: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
