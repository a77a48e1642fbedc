use mosquito::{Context, JobResult, Perform, job};

#[job(fair(weight = 2))]
struct Export {
    tenant: String,
}

#[job(fair)]
struct Bare {
    tenant: String,
}

#[job(fair())]
struct Empty {
    tenant: String,
}

impl Perform for Export {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Bare {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Empty {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
