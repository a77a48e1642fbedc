use mosquito::{Context, JobResult, Perform, job};

#[job(qeue = "mail", keep_dead = "30d", unique(by = [usr_id]), timeout = 30)]
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
