use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", unique(on_conflict = "replace"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
