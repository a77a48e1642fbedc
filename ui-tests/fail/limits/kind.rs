use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 10, per = "1s", kind = "slidng"))]
struct Greet;

#[job(rate_limit(limit = 10, per = "1s", kind = fixed), concurrency(limit = 3, kind = "fixed", key = "a b"))]
struct Fixed;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Fixed {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
