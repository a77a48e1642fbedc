use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet
where
    String: Clone,
{
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
