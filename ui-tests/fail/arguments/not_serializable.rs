use mosquito::{Context, JobResult, Perform, job};

struct Name;

#[job]
struct Greet {
    id: u64,
    name: Name,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
