use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Größe;

impl Perform for Größe {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
