//! The release before `crash-worker`: a worker that has no job `parcel`, and letters without stamps.

use mosquito::{Context, JobResult, Perform, job};
use mosquito_tests::journal::{Fact, Journal};

#[job(queue = "work", state(Journal))]
struct Letter {
    to: String,
}

impl Perform for Letter {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let journal = cx.state::<Journal>();
        journal.note(Fact::Began, cx.id(), cx.attempt());
        if self.to.is_empty() {
            return Err("it cannot be sent".into());
        }
        journal.note(Fact::Ended, cx.id(), cx.attempt());
        Ok(())
    }
}

fn main() {
    mosquito_tests::work();
}
