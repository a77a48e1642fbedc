use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet {
    name: &str,
    tags: Vec<Option<(u8, &str)>>,
    greeting: &'static str,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{} {:?} {}", self.name, self.tags, self.greeting);
        Ok(())
    }
}

fn main() {}
