use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "bulk mail")]
enum Greet {
    Morning,
    #[serde(rename = "night")]
    Evening { #[serde(default)] name: String },
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
