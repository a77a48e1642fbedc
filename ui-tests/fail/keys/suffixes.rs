use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "mail"s, timeout = 30s, version = 2u8, retry(attempts = 8u64, jitter = 0.5f32))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
