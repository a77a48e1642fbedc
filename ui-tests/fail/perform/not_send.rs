use std::rc::Rc;

use mosquito::{Context, JobResult, Perform, job};

#[job]
struct Greet;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        let name = Rc::new("name");
        std::future::ready(()).await;
        println!("{name}");
        Ok(())
    }
}

fn main() {}
