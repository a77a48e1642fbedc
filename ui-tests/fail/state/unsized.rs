use mosquito::{Context, JobResult, Perform, job};

#[job(state(str, [u8], dyn std::fmt::Debug))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
