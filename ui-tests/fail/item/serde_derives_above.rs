use mosquito::{Context, JobResult, Perform, job};
use mosquito::serde::Serialize;

#[derive(Serialize)]
#[serde(crate = "mosquito::serde")]
#[job]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
