use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(queue = "mail", redact)]
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
