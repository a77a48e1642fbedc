use mosquito::{Context, JobResult, Perform, job};

#[job(
    name = greet,
    queue("mail"),
    retry = 5,
    timeout = 30,
    state = Mailer,
    blocking = true,
    aliases = "hello",
    missed = Skip,
    crate = 1,
)]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
