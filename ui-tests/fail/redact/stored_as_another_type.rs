use mosquito::{Context, JobResult, Perform, job};

#[job]
#[derive(Clone)]
#[serde(into = "String", from = "String")]
struct Greet {
    #[job(redact)]
    name: String,
}

impl From<String> for Greet {
    fn from(name: String) -> Self {
        Self { name }
    }
}

impl From<Greet> for String {
    fn from(greet: Greet) -> Self {
        greet.name
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
