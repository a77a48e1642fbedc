use mosquito::{Context, JobResult, Perform, job};

#[job(unique(by = [user_id, 2, 0]))]
struct Greet(u64, String);

#[job(unique(by = [0]))]
struct Named {
    user_id: u64,
}

#[job(unique(by = [user_id]))]
struct Unit;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Named {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Unit {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
