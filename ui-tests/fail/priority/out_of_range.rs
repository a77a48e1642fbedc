use mosquito::{Context, JobResult, Perform, job};

#[job(priority = 10)]
struct Late;

#[job(priority, expires)]
struct Bare;

#[job(priority = 3, expires = "0s")]
struct Never;

impl Perform for Late {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Bare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Never {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
