use mosquito::{Context, JobResult, Perform, job};

#[job(queue["mail"], retry { attempts: 8 }, state[Mailer])]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
