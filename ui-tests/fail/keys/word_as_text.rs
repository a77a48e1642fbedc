use mosquito::{Context, JobResult, Perform, job};

#[job(queue = mail, timezone = Europe, name = r#type)]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
