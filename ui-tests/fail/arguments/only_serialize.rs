use mosquito::{Context, JobResult, Perform, job};
use mosquito::serde::Serialize;

#[derive(Serialize)]
#[serde(crate = "mosquito::serde")]
struct Name;

#[job]
struct Greet {
    name: Name,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
