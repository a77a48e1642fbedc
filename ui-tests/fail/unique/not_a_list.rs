use mosquito::{Context, JobResult, Perform, job};

#[job(unique = true)]
struct Greet;

#[job(unique())]
struct Empty;

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
