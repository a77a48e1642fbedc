use mosquito::{Context, JobResult, Mosquito, Perform, job};

#[job(queue = "mail")]
struct Greet {
    name: String,
    language
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

async fn greet(mosquito: &Mosquito, greet: Greet) {
    let _ = mosquito.enqueue(greet).await;
}

fn main() {}
