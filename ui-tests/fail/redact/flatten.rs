use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(redact)]
    #[serde(flatten)]
    names: std::collections::BTreeMap<String, String>,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
