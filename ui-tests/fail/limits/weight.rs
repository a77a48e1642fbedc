use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 10, per = "1s", weight = 11))]
struct Greet;

#[job(rate_limit(limit = 10, per = "1s", weight = page))]
struct Pages {
    pages: u32,
}

#[job(rate_limit(limit = 10, per = "1s", weight = -1))]
struct Negative;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Pages {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Negative {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
