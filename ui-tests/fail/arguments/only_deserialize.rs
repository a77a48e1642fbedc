use mosquito::{Context, JobResult, Perform, job};
use mosquito::serde::Deserialize;

#[derive(Deserialize)]
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
