//! A job of a later version upgrades the arguments of earlier ones.

#![deny(warnings)]

use mosquito::serde_json::{Value, from_value, json};
use mosquito::{Context, Job, JobError, JobResult, Perform, Upgrade, job};

#[job(version = 3)]
struct Greet {
    first_name: String,
}

impl Upgrade for Greet {
    fn upgrade(from: u32, mut args: Value) -> Result<Self, JobError> {
        let field = if from == 1 { "name" } else { "called" };
        Ok(Self { first_name: from_value(args[field].take())? })
    }
}

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{}", self.first_name);
        Ok(())
    }
}

/// The first version has none before it.
#[job(version = 1)]
struct First;

impl Perform for First {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job]
struct Unsaid;

impl Perform for Unsaid {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {
    assert_eq!([Greet::SPEC, First::SPEC, Unsaid::SPEC].map(|spec| spec.version), [3, 1, 1]);
    assert_eq!(Greet::upgrade(1, json!({ "name": "Ada" })).unwrap().first_name, "Ada");
    assert_eq!(Greet::upgrade(2, json!({ "called": "Ada" })).unwrap().first_name, "Ada");
    assert!(Greet::upgrade(2, json!({})).is_err());
}
