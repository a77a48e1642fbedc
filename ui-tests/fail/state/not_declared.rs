use mosquito::{Context, JobResult, Perform, job};

struct Mailer;
struct Pool;

#[job(state(Pool))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _: &Pool = cx.state();
        let _ = cx.state::<Mailer>();
        Ok(())
    }
}

fn main() {}
