//! Arguments may be anything that serializes and is owned.

#![deny(warnings)]

use std::collections::BTreeMap;

use mosquito::{Context, JobResult, Perform, job};

/// Its own crate's serde would do too; a job's nested types need none of ours when they are plain.
#[job]
struct Nested {
    map: BTreeMap<String, Vec<Option<(u8, f64)>>>,
    text: std::borrow::Cow<'static, str>,
    shared: Box<[u8]>,
}

impl Perform for Nested {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{:?} {} {:?}", self.map, self.text, self.shared);
        Ok(())
    }
}

/// A job may be an argument of another.
#[job]
struct Outer(Nested);

impl Perform for Outer {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{}", self.0.text);
        Ok(())
    }
}

fn main() {}
