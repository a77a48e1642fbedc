use mosquito::{Context, JobResult, Perform, job};

#[job(
    max_retries = 5,
    unique_for = "1h",
    unique_id = "user_id",
    throttle = 5,
    ttl = "1h",
    concurrency_limit = 3,
    tags("mail"),
    delay = "5s",
    debounce = "5s",
    retention = "1h",
)]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
