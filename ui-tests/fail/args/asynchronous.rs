use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = async { Self { name: "you".into() } })]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
