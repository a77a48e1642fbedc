//! Limits hold runs up, and nothing else.

use std::time::Duration;

use mosquito::testing::Testing;

use crate::jobs::{Call, Download, Lazy, Upload, Urgent};

facts! {
    an_hour_under_a_rate_limit_takes_no_time_and_never_has_more_than_the_limit,
    two_jobs_share_one_limit,
    what_stands_behind_many_that_are_held_up_is_performed_at_once,
    what_is_enqueued_over_the_limit_is_performed_when_there_is_room,
    a_heavy_run_takes_its_weight,
}

const MINUTE: Duration = Duration::from_secs(60);

fn call(tenant: &str, pages: u32) -> Call {
    Call { tenant: tenant.into(), pages }
}

async fn an_hour_under_a_rate_limit_takes_no_time_and_never_has_more_than_the_limit(testing: &Testing) {
    testing.enqueue_all((0..100).map(|_| call("big", 1))).await.unwrap();
    testing.enqueue_all((0..5).map(|_| call("small", 1))).await.unwrap();

    let at_once = testing.drain().await.unwrap();
    assert_eq!(at_once.succeeded, 10 + 5, "the small one is not held up");
    let hour = testing.run_for(60 * MINUTE).queue("calls").await.unwrap();

    assert_eq!(hour.succeeded, 90);
    assert!(hour.runs.iter().all(|run| run.attempt == 1), "no attempt is used up by waiting");
    let all = testing.performed();
    let big: Vec<_> = all.iter().map(|run| run.at).collect();
    let took = (big[big.len() - 1] - big[0]).to_std().unwrap();
    assert!(took >= 9 * MINUTE && took <= 9 * MINUTE * 82 / 80, "nearly all of the limit is used: {took:?}");
    for eleven in big[15..].windows(11) {
        assert!(eleven[10] - eleven[0] >= mosquito::chrono::TimeDelta::minutes(1), "{eleven:?}");
    }
}

async fn two_jobs_share_one_limit(testing: &Testing) {
    testing.enqueue_all((0..3).map(|file| Upload { file })).await.unwrap();
    testing.enqueue_all((0..3).map(|file| Download { file })).await.unwrap();

    assert_eq!(testing.drain().await.unwrap().succeeded, 2);
    let day = testing.run_for(24 * 60 * MINUTE).queue("transfers").await.unwrap();

    assert_eq!(day.succeeded, 4);
    let hours: Vec<_> = day.runs.iter().map(|run| run.at.format("%H:%M").to_string()).collect();
    assert_eq!(hours, ["13:00", "13:00", "14:00", "14:00"], "a fixed window begins on the hour");
}

async fn what_stands_behind_many_that_are_held_up_is_performed_at_once(testing: &Testing) {
    testing.enqueue_all((0..250).map(|tenant| Lazy { tenant })).await.unwrap();
    assert_eq!(testing.drain().await.unwrap().succeeded, 250);

    // All of these go before the last one, and none of them may start.
    testing.enqueue_all((0..250).map(|tenant| Urgent { tenant })).await.unwrap();
    testing.enqueue(Lazy { tenant: 1_000 }).await.unwrap();

    assert_eq!(testing.drain().await.unwrap().succeeded, 1);
    assert_eq!(testing.run_for(2 * 60 * MINUTE).queue("many").await.unwrap().succeeded, 250);
}

async fn what_is_enqueued_over_the_limit_is_performed_when_there_is_room(testing: &Testing) {
    testing.enqueue_all((0..10).map(|_| call("acme", 1))).await.unwrap();
    assert_eq!(testing.drain().await.unwrap().succeeded, 10);
    let full = testing.now();

    testing.enqueue(call("acme", 1)).await.unwrap();
    let late = testing.run_for(10 * MINUTE).await.unwrap();

    assert_eq!(late.succeeded, 1);
    let waited = (late.runs[0].at - full).to_std().unwrap();
    assert!((MINUTE..MINUTE * 82 / 80).contains(&waited), "{waited:?}");
}

async fn a_heavy_run_takes_its_weight(testing: &Testing) {
    testing.enqueue_all([4, 4, 4].map(|pages| call("acme", pages))).await.unwrap();
    testing.enqueue(call("other", 1_000)).await.unwrap();
    testing.enqueue(call("other", 0)).await.unwrap();

    assert_eq!(testing.drain().await.unwrap().succeeded, 2 + 1, "1,000 pages count as the limit");
    assert_eq!(testing.run_for(2 * MINUTE).await.unwrap().succeeded, 1 + 1);
}
