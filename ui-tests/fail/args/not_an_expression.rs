use mosquito::{Context, JobResult, Perform, job};

#[job(every = "1h", args(name = "you"))]
struct Greet {
    name: String,
}

#[job(every = "1h", args)]
struct Bare {
    name: String,
}

#[job(every = "1h", args = let name)]
struct Statement {
    name: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Bare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Statement {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
