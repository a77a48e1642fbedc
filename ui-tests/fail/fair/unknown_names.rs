use mosquito::{Context, JobResult, Perform, job};

#[job(fair(bye = [tenant], by = [tennant], weight = share, wieght = 2))]
struct Export {
    tenant: String,
    shares: u32,
}

#[job(fairness(by = [tenant]))]
struct Elsewhere {
    tenant: String,
}

impl Perform for Export {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Elsewhere {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
