//! The framework may have another name, or be reached through another crate.

extern crate mosquito as background;

use background::{Context, JobResult, Perform};

mod jobs {
    pub mod framework {
        pub use mosquito::*;
    }
}

#[background::job(crate = "background", retry(jitter = 0), state(String))]
struct Renamed {
    id: u64,
}

impl Perform for Renamed {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("{} {}", self.id, cx.state::<String>());
        Ok(())
    }
}

#[jobs::framework::job(crate = "crate::jobs::framework", every = "1m")]
struct Reexported;

impl Perform for Reexported {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
