use mosquito::{Context, JobResult, Perform, job};

#[job(attempts = 3, by = [user_id], until = "finish", limit = 3, weight = 1)]
struct Greet {
    user_id: u64,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
