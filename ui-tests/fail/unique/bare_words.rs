use mosquito::{Context, JobResult, Perform, job};

#[job(unique(until = finish, on_conflict = reject))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
