//! Everything that a schedule may be.

#![deny(warnings)]

use mosquito::{Context, Job, JobResult, Perform, ScheduleSpec, job};

macro_rules! scheduled {
    ($($job:ident($($key:ident = $value:literal),*))*) => {
        $(
            #[job($($key = $value),*)]
            struct $job;

            impl Perform for $job {
                async fn perform(&self, _: &Context<Self>) -> JobResult {
                    Ok(())
                }
            }
        )*

        const ALL: &[Option<ScheduleSpec>] = &[$($job::SPEC.schedule),*];
    };
}

scheduled! {
    Often(every = "1ms")
    Rarely(every = "36500d")
    Odd(every = "1d 2h 3m 4s 5ms")
    Workdays(cron = "0 6 * * MON-FRI")
    Seconds(cron = "*/10 * * * * *")
    Lists(cron = "0,30 8-18/2 1,15 jan-jun,DEC *")
    LastDay(cron = "0 0 L * *")
    LastWorkday(cron = "0 0 LW * *")
    NearestWorkday(cron = "0 0 15W * *")
    SecondMonday(cron = "0 0 * * MON#2")
    LastFriday(cron = "0 0 * * FRIL")
    LeapDay(cron = "0 0 29 2 *", timezone = "America/Argentina/Buenos_Aires")
    FridayThe13th(cron = "0 0 13 * +FRI", missed = "all", overlap = "allow")
    Daily(cron = "@daily", timezone = "UTC", missed = "skip")
}

fn main() {
    assert!(ALL.iter().all(Option::is_some));
}
