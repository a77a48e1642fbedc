use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 10, per = "1s", by = [tennant]), concurrency(limit = 3, by = [tenants, user_id, user_id]))]
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
