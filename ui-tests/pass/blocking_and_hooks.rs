//! Hooks are optional, and a blocking job has the same ones.

use std::time::Duration;

use mosquito::{Context, JobError, JobResult, Perform, PerformBlocking, job};

#[job(state(String))]
struct Asynchronous;

impl Perform for Asynchronous {
    async fn before(&self, cx: &Context<Self>) -> JobResult {
        if cx.state::<String>().is_empty() { Err(JobError::snooze(Duration::from_secs(1))) } else { Ok(()) }
    }

    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let _: u64 = cx.state::<String>().parse()?;
        Ok(())
    }

    async fn after(&self, cx: &Context<Self>, result: &JobResult) {
        println!("{} {result:?}", cx.attempt());
    }

    fn retry_after(&self, attempt: u32, _: &JobError) -> Option<Duration> {
        (attempt == 1).then_some(Duration::from_secs(1))
    }
}

#[job(blocking, timeout = "1s", state(String))]
struct Blocking(Vec<u8>);

impl PerformBlocking for Blocking {
    fn before(&self, cx: &Context<Self>) -> JobResult {
        println!("{} {:?}", cx.state::<String>(), self.0);
        Ok(())
    }

    fn perform(&self, cx: &Context<Self>) -> JobResult {
        println!("{}", cx.id());
        Ok(())
    }

    fn after(&self, _: &Context<Self>, result: &JobResult) {
        println!("{result:?}");
    }

    fn retry_after(&self, _: u32, _: &JobError) -> Option<Duration> {
        None
    }
}

fn main() {}
