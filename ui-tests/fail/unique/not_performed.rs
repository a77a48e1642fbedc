use mosquito::{Context, JobResult, Perform, job};

#[job(unique)]
struct Greet;

#[job(unique(by = [user_id, tenant], until = "start_then_while_running", on_conflict = "keep_latest"))]
struct Parts {
    user_id: u64,
    tenant: String,
}

#[job(unique(for = "1h"))]
struct Lasting;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Parts {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Lasting {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
