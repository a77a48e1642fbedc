use mosquito::{Context, JobResult, Mosquito, Perform, job};

struct Mailer;

#[derive(Clone, Default)]
struct Name;

// Used in every way there is, and told once.
#[job(every = "1m", state(Mailer), args = Self { name: Name })]
#[derive(Default)]
struct Greet {
    name: Name,
}

impl Perform for Greet {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _: &Mailer = cx.state();
        Ok(())
    }
}

async fn enqueue(mosquito: &Mosquito) {
    let _ = mosquito.enqueue(Greet { name: Name }).await;
}

fn main() {}
