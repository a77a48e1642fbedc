use mosquito::{Context, JobResult, Perform, job};

#[job(queue = "mail")]
struct Greet<T> {
    name: T,
}

impl<T: Send + Sync + 'static> Perform for Greet<T> {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
