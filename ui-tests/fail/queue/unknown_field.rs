use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partitions = 8, by = [usr]))]
struct Slip {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = [user, user]))]
struct Twice {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = ["user"]))]
struct Quoted {
    user: u64,
    tenant: String,
}

#[job(queue("events", partitions = 8, by = []))]
struct Nothing {
    user: u64,
    tenant: String,
}

impl Perform for Slip {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Twice {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Quoted {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Nothing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
