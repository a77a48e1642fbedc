use mosquito::serde_json::Value;
use mosquito::{Context, JobError, JobResult, Perform, Upgrade, job};

#[job(version = 2)]
struct Greet {
    name: String,
}

impl Upgrade for Greet {
    fn upgrade(args: Value) -> Result<Self, JobError> {
        Ok(Self { name: args.to_string() })
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
