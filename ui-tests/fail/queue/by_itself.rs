use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "events", partitions = 8)]
struct Beside {
    user: u64,
}

#[job(queue = "events", shards = 8)]
struct Shards {
    user: u64,
}

#[job(queue = "events", partition_by = [user])]
struct By {
    user: u64,
}

impl Perform for Beside {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Shards {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for By {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
