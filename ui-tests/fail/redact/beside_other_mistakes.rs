use mosquito::{Context, JobResult, Perform, job};

#[job(timeout = "soon")]
struct Greet {
    #[job(redact)]
    name: String,
}

#[job]
enum Choice {
    One {
        #[job(redact)]
        name: String,
    },
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Choice {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
