use mosquito::{Context, JobResult, Perform, job};

#[job(queue())]
struct Empty {
    user: u64,
}

#[job(queue("mail"))]
struct NameAlone {
    user: u64,
}

#[job(queue(events, partitions = 8))]
struct Bare {
    user: u64,
}

#[job(queue(partitions = 8, "events"))]
struct Behind {
    user: u64,
}

#[job(queue["events", partitions = 8])]
struct Brackets {
    user: u64,
}

#[job(queue("my events", partitions = 8))]
struct Spaced {
    user: u64,
}

impl Perform for Empty {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for NameAlone {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Bare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Behind {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Brackets {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Spaced {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
