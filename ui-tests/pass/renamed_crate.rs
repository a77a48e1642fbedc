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
    #[background::job(redact)]
    id: u64,
}

impl Perform for Renamed {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("{} {}", self.id, cx.state::<String>());
        Ok(())
    }
}

#[jobs::framework::job(crate = "crate::jobs::framework", every = "1m", args = Self(1), version = 2)]
struct Reexported(u8);

impl background::Upgrade for Reexported {
    fn upgrade(_: u32, _: background::serde_json::Value) -> Result<Self, background::JobError> {
        Ok(Self(1))
    }
}

impl Perform for Reexported {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{}", self.0);
        Ok(())
    }
}

fn main() {}
