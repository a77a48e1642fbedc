use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partitions = 8), rate_limit(limit = 10, per = "1s", by = [tenant]))]
struct NoKey {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = [tenant]), concurrency(limit = 3))]
struct ForAll {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = [tenant]), concurrency(limit = 3, by = [user]))]
struct Other {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = [tenant]), concurrency(limit = 3, by = [user, tenant], key = "api"))]
struct Shared {
    user: u64,
    tenant: String,
}

impl Perform for NoKey {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for ForAll {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Other {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Shared {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
