use mosquito::{Context, JobResult, Perform, job};

#[job(queue("events", partitions = 0))]
struct Nil {
    user: u64,
}

#[job(queue("events", partitions = 65))]
struct Many {
    user: u64,
}

#[job(queue("events", partitions = "8"))]
struct Text {
    user: u64,
}

#[job(queue("events", partitions = -1))]
struct Few {
    user: u64,
}

#[job(queue("events", partitions))]
struct Missing {
    user: u64,
}

impl Perform for Nil {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Many {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Text {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Few {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Missing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
