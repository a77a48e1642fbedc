use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partition = 8))]
struct Slip {
    user: u64,
}

#[job(queue("events", partitions = 8, key = [user]))]
struct Other {
    user: u64,
}

#[job(queue("events", by = [user]))]
struct WithoutNumber {
    user: u64,
}

#[job(queue("events", partitions = 8, partitions = 4))]
struct Twice {
    user: u64,
}

impl Perform for Slip {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Other {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for WithoutNumber {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Twice {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
