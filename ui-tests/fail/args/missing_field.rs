use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self { name: "you".into() })]
struct Greet {
    name: String,
    times: u8,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
