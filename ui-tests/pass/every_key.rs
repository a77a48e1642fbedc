//! Each key, as the documentation spells it, arrives in the job's specification.

use std::time::Duration;

use mosquito::{Backoff, Context, Job, JobResult, Missed, Perform, PerformBlocking, Retry, Rhythm, job};

struct Mailer;

mod db {
    pub struct Pool<T>(pub T);
}

#[job(
    name = "welcome",
    aliases("send_welcome", "greet"),
    queue = "mail",
    retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.5),
    timeout = "1h 30m",
    deadline = "2d",
    state(Mailer, db::Pool<(u8, u16)>),
)]
struct SendWelcome {
    user_id: u64,
}

impl Perform for SendWelcome {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let (_, _) = (cx.state::<Mailer>(), cx.state::<db::Pool<(u8, u16)>>());
        println!("{}", self.user_id);
        Ok(())
    }
}

#[job(every = "1m", missed = "all", overlap = "allow", retry(backoff = fixed("1s")))]
struct SweepSessions;

impl Perform for SweepSessions {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job(cron = "0 6 * * MON-FRI", timezone = "Europe/Berlin", missed = "skip", overlap = "skip", blocking)]
#[derive(Default)]
struct HTTPReport(Vec<String>);

impl PerformBlocking for HTTPReport {
    fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{:?}", self.0);
        Ok(())
    }
}

#[job]
struct Plain {}

impl Perform for Plain {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {
    let spec = SendWelcome::SPEC;
    assert_eq!((spec.name, spec.queue), ("welcome", "mail"));
    assert_eq!(spec.aliases, ["send_welcome", "greet"]);
    assert_eq!(spec.timeout, Some(Duration::from_secs(5400)));
    assert_eq!(spec.deadline, Some(Duration::from_secs(2 * 86_400)));
    assert_eq!(spec.schedule, None);
    let (first, max) = (Duration::from_secs(2), Duration::from_secs(3600));
    assert_eq!(spec.retry, Retry { attempts: 8, backoff: Backoff::Exponential { first, max }, jitter: 0.5 });

    let spec = SweepSessions::SPEC;
    assert_eq!(spec.retry, Retry { backoff: Backoff::Fixed(Duration::from_secs(1)), ..Retry::DEFAULT });
    let schedule = spec.schedule.unwrap();
    assert_eq!(schedule.rhythm, Rhythm::Every(Duration::from_secs(60)));
    assert_eq!(schedule.missed, Missed::All);
    assert_eq!(format!("{:?}", schedule.overlap), "Allow");

    let spec = HTTPReport::SPEC;
    assert_eq!((spec.name, spec.retry), ("http_report", Retry::NEVER));
    let schedule = spec.schedule.unwrap();
    assert_eq!(schedule.rhythm, Rhythm::Cron { pattern: "0 6 * * MON-FRI", timezone: "Europe/Berlin" });
    assert_eq!(schedule.missed, Missed::Skip);

    let spec = Plain::SPEC;
    assert_eq!((spec.name, spec.queue, spec.retry), ("plain", "default", Retry::DEFAULT));
    assert_eq!((spec.aliases, spec.timeout, spec.deadline), (&[][..], None, None));
}
