use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 100, per = "1s", by = [tenant], key = "stripe", weight = pages), concurrency(limit = 3, by = [tenant]))]
struct Greet {
    tenant: String,
    pages: u32,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
