use mosquito::{Context, JobResult, Perform, job};

struct Mailer;

#[job(state(Mailer))]
struct Greet;

#[job]
struct Leave;

impl Perform for Greet {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _ = cx.state::<Mailer>();
        Ok(())
    }
}

impl Perform for Leave {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _ = cx.state::<Mailer>();
        Ok(())
    }
}

fn main() {}
