use mosquito::{Context, JobResult, Perform, job};

#[job(unique(by = [usr_id, colour]))]
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
