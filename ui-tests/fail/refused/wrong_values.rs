use mosquito::{Context, JobResult, Perform, job};

#[job(keep_successful = "soon", keep_dead, sync_ack = true)]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
