use mosquito::{Context, JobResult, Perform, job};
use mosquito::serde::{Deserialize, Serialize};

#[job]
#[derive(Debug, Serialize)]
struct Greet {
    name: String,
}

#[job]
#[derive(Deserialize)]
struct Leave;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Leave {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
