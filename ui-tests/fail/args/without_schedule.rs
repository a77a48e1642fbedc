use mosquito::{Context, JobResult, Perform, job};

#[job(args = Self { name: "you".into() })]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
