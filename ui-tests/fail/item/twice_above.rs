use mosquito::{Context, JobResult, Perform};

#[mosquito::job(queue = "mail")]
#[mosquito::job]
struct Greet {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
