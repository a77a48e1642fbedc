//! A field that is added later has a default for the runs that were enqueued before it was.

#![deny(warnings)]

use mosquito::serde_json::{from_value, json};
use mosquito::{Context, JobResult, Perform, job};

fn once() -> u8 {
    1
}

#[job]
struct Greet {
    #[serde(alias = "user")]
    name: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default = "once")]
    times: u8,
    /// May be missing without more ado.
    greeting: Option<String>,
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{} {:?} {} {:?}", self.name, self.tags, self.times, self.greeting);
        Ok(())
    }
}

fn main() {
    let job: Greet = from_value(json!({ "user": "Ada", "removed": 1 })).unwrap();
    assert_eq!((job.name.as_str(), job.times), ("Ada", 1));
    assert!(job.tags.is_empty() && job.greeting.is_none());
}
