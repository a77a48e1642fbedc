//! Time passes when the test says so.

use std::time::{Duration, Instant};

use mosquito::chrono::{DateTime, Datelike, Timelike, Utc};
use mosquito::testing::Testing;

use crate::jobs::{Charge, End};
use crate::stores::noon;

facts! {
    a_month_of_a_daily_job_is_thirty_runs_each_at_its_time,
    all_that_was_missed_is_one_run,
    retries_come_at_their_times,
    time_stands_still_unless_it_is_moved,
    a_paused_queue_waits_until_its_pause_is_over,
    a_pause_that_ends_while_time_passes_ends_in_time,
    a_past_time_is_as_good_as_any,
    a_time_before_all_stores_is_refused,
    a_leap_of_a_thousand_years_is_only_a_wait,
}

const DAY: Duration = Duration::from_secs(86_400);

async fn begin_at(url: &str, time: &str) -> Testing {
    let time: DateTime<Utc> = time.parse().unwrap();
    Testing::record().store(url).at(time).await.unwrap()
}

async fn a_month_of_a_daily_job_is_thirty_runs_each_at_its_time(url: &str) {
    let mut took = vec![a_month(url).await];
    if url == "memory://" {
        // A machine that is busy with something else is slow now and then: the best counts.
        let soon = |took: &Duration| *took < Duration::from_millis(100);
        while !took.iter().any(soon) && took.len() < 20 {
            took.push(a_month(url).await);
        }
        assert!(took.iter().any(soon), "{took:?}");
    }
    println!("a month of a daily job on {url}: {took:?}");
}

/// Performs a month of a daily job, and tells how long that took.
async fn a_month(url: &str) -> Duration {
    // Over the night in which Berlin sets its clocks back.
    let testing = begin_at(url, "2026-10-10T12:00:00Z").await;
    let begin = Instant::now();

    let month = testing.run_for(30 * DAY).await.unwrap();

    let took = begin.elapsed();
    assert_eq!((month.succeeded, month.runs.len()), (30, 30), "{month}");
    let hours: Vec<_> = month.runs.iter().map(|run| (run.at.day(), run.at.hour(), run.at.minute())).collect();
    assert_eq!((hours[0], hours[29]), ((11, 4, 0), (9, 5, 0)), "six in Berlin, in summer and in winter");
    assert_eq!(testing.now(), "2026-11-09T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
    took
}

async fn all_that_was_missed_is_one_run(url: &str) {
    let testing = begin_at(url, "2026-10-10T12:00:00Z").await;

    testing.advance(30 * DAY);
    let missed = testing.drain().await.unwrap();

    assert_eq!(missed.succeeded, 1, "`missed` is once unless told otherwise");
}

async fn retries_come_at_their_times(url: &str) {
    let testing = Testing::record().store(url).at(noon()).await.unwrap();
    let _ = testing.enqueue(Charge { succeeds_at: 9 }).delay(Duration::from_millis(1)).await.unwrap();

    let all = testing.run_for(DAY / 2).await.unwrap();

    let charges: Vec<_> = all.of("charge").collect();
    let hours: Vec<_> =
        charges.windows(2).map(|two| (two[1].at - two[0].at).to_std().unwrap().as_secs() / 3600).collect();
    assert_eq!(hours, [1, 2, 4], "exponential, without chance");
    assert!(charges[3].is_dead());
}

async fn time_stands_still_unless_it_is_moved(url: &str) {
    let testing = Testing::record().store(url).at(noon()).await.unwrap();
    let before = testing.now();

    let _ = testing.enqueue(End("snoozed".into())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let run = testing.drain().await.unwrap().runs.pop().unwrap();

    assert_eq!((testing.now(), run.at), (before, before));
    testing.advance(Duration::from_secs(59));
    assert_eq!(testing.drain().await.unwrap().runs, []);
    testing.advance(Duration::from_secs(1));
    assert_eq!(testing.drain().await.unwrap().snoozed, 1);
}

async fn a_paused_queue_waits_until_its_pause_is_over(url: &str) {
    let testing = Testing::record().store(url).at(noon()).await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();
    let queue = testing.queue("default").unwrap();
    queue.pause_for(Duration::from_secs(60)).await.unwrap();

    assert_eq!(testing.drain().await.unwrap().runs, []);
    testing.advance(Duration::from_secs(59));
    assert!(queue.paused().await.unwrap().is_some());
    testing.advance(Duration::from_secs(1));

    assert_eq!(queue.paused().await.unwrap(), None);
    assert_eq!(testing.drain().await.unwrap().succeeded, 1);
}

async fn a_pause_that_ends_while_time_passes_ends_in_time(url: &str) {
    let testing = begin_at(url, "2026-10-10T12:00:00Z").await;
    let _ = testing.enqueue(End("well".into())).await.unwrap();
    testing.queue("default").unwrap().pause_for(Duration::from_secs(60)).await.unwrap();
    let begin = testing.now();

    let run = testing.run_for(Duration::from_secs(3600)).await.unwrap().runs.pop().unwrap();

    assert_eq!((run.at - begin).num_seconds(), 60);
}

async fn a_past_time_is_as_good_as_any(url: &str) {
    let testing = begin_at(url, "1999-12-31T23:59:00Z").await;
    let _ = testing.enqueue(End("well".into())).delay(Duration::from_secs(60)).await.unwrap();
    testing.queue("default").unwrap().pause_for(Duration::from_secs(90)).await.unwrap();

    assert_eq!(testing.run_for(Duration::from_secs(89)).await.unwrap().runs, []);
    testing.advance(Duration::from_secs(1));
    let run = testing.drain().await.unwrap().runs.pop().unwrap();

    assert_eq!((run.succeeded(), run.at.year()), (true, 2000));
}

async fn a_time_before_all_stores_is_refused(url: &str) {
    let time: DateTime<Utc> = "1969-12-31T23:59:59Z".parse().unwrap();

    let told = Testing::record().store(url).at(time).await.unwrap_err().to_string();

    assert!(
        told.contains("cannot begin at 1969-12-31 23:59:59 UTC: stores count their time from 1970"),
        "{told}"
    );
}

async fn a_leap_of_a_thousand_years_is_only_a_wait(url: &str) {
    let testing = begin_at(url, "1970-01-01T00:00:00Z").await;
    let _ = testing.enqueue(End("well".into())).await.unwrap();
    assert_eq!(testing.drain().await.unwrap().of("end").count(), 1);

    testing.advance(Duration::MAX);
    let _ = testing.enqueue(End("well".into())).delay(Duration::from_millis(7)).await.unwrap();

    let later = testing.run_for(Duration::from_millis(7)).await.unwrap();
    let ends: Vec<_> = later.of("end").map(|run| run.at.year()).collect();
    assert_eq!(ends, [2972]);
}
