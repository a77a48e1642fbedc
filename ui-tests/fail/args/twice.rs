use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args = Self(1), args = Self(2))]
struct Greet(u8);

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
