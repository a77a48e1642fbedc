use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    #[job(redct)]
    name: String,
    #[job(secret)]
    card: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
