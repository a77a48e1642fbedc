//! What is generated warns of nothing, whatever a crate denies itself.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused, unused_qualifications)]
#![deny(nonstandard_style, future_incompatible, rust_2018_idioms, let_underscore_drop, missing_copy_implementations)]
#![deny(single_use_lifetimes, trivial_casts, trivial_numeric_casts, unit_bindings, unused_lifetimes, unused_results)]

use mosquito::{Context, JobError, JobResult, Perform, Upgrade, job};

/// A job.
#[job(every = "1h", version = 2, args = Self { name: String::new() }, state(String, Vec<u8>))]
#[derive(Debug)]
pub struct Documented {
    /// A field.
    #[job(redact)]
    pub name: String,
}

impl Upgrade for Documented {
    fn upgrade(_: u32, args: mosquito::serde_json::Value) -> Result<Self, JobError> {
        Ok(Self { name: args.to_string() })
    }
}

impl Perform for Documented {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("{} {:?}", cx.state::<String>(), cx.state::<Vec<u8>>());
        Ok(())
    }
}

fn main() {}
