use mosquito::{Context, JobResult, Perform, job};

#[job(fair(by = [tenant], weight = 0))]
struct Nothing {
    tenant: String,
}

#[job(fair(by = [tenant], weight = tenant))]
struct Text {
    tenant: String,
}

impl Perform for Nothing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Text {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
