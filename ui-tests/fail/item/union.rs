use mosquito::{Context, JobResult, Perform, job};

#[job]
union Greet {
    small: u8,
    large: u64,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
