use mosquito::{Context, JobResult, Perform, job};

#[job]
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", crate = "other::serde")]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
