use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self::new("you") timeout = "5s")]
struct Greet {
    name: String,
}

impl Greet {
    fn new(name: &str) -> Self {
        Self { name: name.into() }
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
