use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    id: u64,
    name: std::cell::Cell<u8>,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
