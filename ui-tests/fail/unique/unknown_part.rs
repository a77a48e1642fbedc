use mosquito::{Context, JobResult, Perform, job};

#[job(unique(util = "finish", key = "user_id", by = [user_id], by = [tenant]))]
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
