use mosquito::{Context, JobResult, Perform, job};

struct Mailer;

#[job(state(Mailer, &Mailer, impl Send, _, Mailer))]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _ = cx.state::<Mailer>();
        Ok(())
    }
}

fn main() {}
