use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "events~3")]
struct Third {
    user: u64,
}

impl Perform for Third {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
