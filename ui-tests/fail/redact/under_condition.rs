use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[cfg_attr(all(), job(redact))]
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
