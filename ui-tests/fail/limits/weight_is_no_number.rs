use mosquito::{Context, JobResult, Perform, job};

#[job(rate_limit(limit = 10, per = "1s", weight = self.name.trim()))]
struct Greet {
    name: String,
}

#[job(rate_limit(limit = 10, per = "1s", weight = share))]
struct Share {
    share: f64,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Share {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
