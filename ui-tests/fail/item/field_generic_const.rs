use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet<const N: usize> {
    names: [String; N],
}

impl Perform for Greet<3> {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
