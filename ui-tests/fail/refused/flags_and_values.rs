use mosquito::{Context, JobResult, Perform, job};

#[job(keep_successful = "1h", keep_dead = "30d")]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
