use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = "100", per = 1, key = stripe, weight = "pages", by = tenant), concurrency = 3)]
struct Greet {
    user_id: u64,
    tenant: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
