//! Keywords may be names, of jobs, of fields, of states and of what makes a job.

#![deny(warnings)]
#![allow(non_camel_case_types)]

use mosquito::{Context, Job, JobError, JobResult, Perform, TickArgs, Upgrade, job};

struct r#match;

#[job(every = "1h", version = 2, args = Self::r#move(1), state(r#match))]
#[serde(rename_all = "camelCase")]
struct r#async {
    #[job(redact)]
    r#type: u8,
    #[job(redact)]
    r#in_out: u8,
}

impl r#async {
    fn r#move(r#type: u8) -> Self {
        Self { r#type, r#in_out: 0 }
    }
}

impl Upgrade for r#async {
    fn upgrade(r#type: u32, _: mosquito::serde_json::Value) -> Result<Self, JobError> {
        Ok(Self::r#move(u8::try_from(r#type)?))
    }
}

impl Perform for r#async {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let r#match = cx.state::<r#match>();
        println!("{} {}", self.r#type, self.r#in_out);
        Ok(())
    }
}

fn main() {
    assert_eq!(r#async::SPEC.name, "async");
    assert_eq!(r#async::SPEC.redacted, ["inOut", "type"]);
    assert_eq!(r#async::tick_args().r#type, 1);
}
