use mosquito::{Context, JobResult, Perform, job};

#[job(unique(by = user_id))]
struct Greet {
    user_id: u64,
    tenant: String,
}

#[job(unique(by("user_id")))]
struct Called {
    user_id: u64,
    tenant: String,
}

#[job(unique(by = ["user_id", self.tenant]))]
struct Quoted {
    user_id: u64,
    tenant: String,
}

#[job(unique(by = []))]
struct Nothing {
    user_id: u64,
    tenant: String,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Called {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Quoted {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Nothing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
