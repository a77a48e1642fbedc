use mosquito::{Context, JobResult, Perform, job};

#[job(retry(backoff = exponential("2s" max = "1h")))]
struct Greet;

#[job(retry(backoff = linear(base = "2s")))]
struct Part;

#[job(retry(3))]
struct Insist;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}

impl Perform for Part {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Insist {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}
