use mosquito::{Context, JobResult, Perform, job};

#[job(cron = "0 24 * * *")]
struct Greet;

#[job(cron = "0 0 32 * *")]
struct Day;

#[job(cron = "0 0 * 13 *")]
struct Month;

#[job(cron = "0 0 * * 8")]
struct Weekday;

#[job(cron = "60 * * * * *")]
struct Second;

#[job(cron = "5/10 * * * *")]
struct Step;

#[job(cron = "@dayly")]
struct Nickname;

impl Perform for Greet {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {}
