use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 100), concurrency(by = [tenant]))]
struct Greet {
    user_id: u64,
    tenant: String,
}

#[job(rate_limit(weight = 1))]
struct Nothing;

#[job(rate_limit, concurrency())]
struct Bare;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Nothing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Bare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
