use mosquito::{Context, JobResult, Perform, job};

#[job]
#[derive(Clone, Debug)]
pub struct Greet<'a, 'b: 'a> {
    #[serde(borrow)]
    name: &'a str,
    tags: Vec<&'b str>,
}

impl Perform for Greet<'_, '_> {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{} {:?}", self.name, self.tags);
        Ok(())
    }
}

fn main() {
    let _ = Greet { name: "you", tags: Vec::new() };
}
