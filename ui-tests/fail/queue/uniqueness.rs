use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partitions = 8, by = [tenant]), unique(by = [user]))]
struct Elsewhere {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = [tenant, user]), unique(by = [user]))]
struct TooMany {
    user: u64,
    tenant: String,
}

impl Perform for Elsewhere {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for TooMany {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
