use mosquito::{Context, JobResult, Perform, job};

struct Name;

// Of a field with a name, serde also says things that change with its version.
#[job]
struct Greet(u64, Name);

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
