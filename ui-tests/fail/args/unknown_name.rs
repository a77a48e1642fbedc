use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self { name: default_name() })]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
