use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet;

impl Perform for Greet {
    async fn perform(self, _: &Context<Greet>) -> JobResult {
        Ok(())
    }
}

fn main() {}
