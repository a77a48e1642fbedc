use mosquito::{Context, JobResult, Perform, job};

struct Mailer;

impl Mailer {
    fn deliver(&self) {}
}

#[job(state = Mailer)]
struct Greet;

#[job(stat(Mailer))]
struct Part;

#[job(state(Mailer Pool))]
struct Insist;

impl Perform for Greet {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Mailer>().deliver();
        Ok(())
    }
}

impl Perform for Part {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Mailer>().deliver();
        Ok(())
    }
}

impl Perform for Insist {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Mailer>().deliver();
        Ok(())
    }
}

fn main() {}
