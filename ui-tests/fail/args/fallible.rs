use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self::new()?)]
struct Greet {
    name: String,
}

impl Greet {
    fn new() -> Result<Self, std::fmt::Error> {
        Ok(Self { name: "you".into() })
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
