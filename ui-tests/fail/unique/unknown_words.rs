use mosquito::{Context, JobResult, Perform, job};

#[job(unique(until = "finsh", on_conflict = "ignore"))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
