use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self)]
struct Greet;

#[job(every = "1h", args = Self {})]
struct Empty {}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Empty {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
