//! What is performed when a test says so, and how it is counted.

use std::time::Duration;

use mosquito::testing::{Testing, refute_enqueued};
use mosquito::{Error, Outcome};

use crate::jobs::{Charge, CountDown, Diary, End, HoldThread, SendWelcome};
use crate::stores::noon;

facts! {
    nothing_is_performed_until_the_test_says_so,
    a_drain_counts_by_where_the_runs_went,
    a_drain_performs_what_its_runs_enqueue,
    a_drain_of_one_queue_leaves_the_others,
    one_job_is_performed_without_being_enqueued,
    the_last_attempt_ends_in_dead,
    a_missing_state_is_told,
    a_blocking_job_is_performed_too,
    what_did_not_succeed_can_make_a_test_fail,
}

async fn record(url: &str) -> Testing {
    Testing::record().store(url).at(noon()).await.unwrap()
}

async fn nothing_is_performed_until_the_test_says_so(url: &str) {
    let diary = Diary::default();
    let testing = Testing::record().store(url).at(noon()).state(diary.clone()).await.unwrap();
    let _ = testing.enqueue(SendWelcome { user_id: 7, template: "hi".into() }).await.unwrap();
    testing.advance(Duration::from_secs(3600));
    assert!(diary.lines().is_empty());

    let drained = testing.drain().await.unwrap();

    assert_eq!(diary.lines(), ["welcome 7 hi"]);
    assert_eq!((drained.succeeded, drained.to_string()), (1, "succeeded 1".into()));
    assert_eq!(drained.runs[0].to_string(), "send_welcome, attempt 1: succeeded; gone");
    assert_eq!(drained.runs, testing.performed());
    assert_eq!(testing.drain().await.unwrap().runs, []);
}

async fn a_drain_counts_by_where_the_runs_went(url: &str) {
    let testing = record(url).await;
    for how in ["well", "dead", "discarded", "snoozed", "panicked", "the disk is full"] {
        let _ = testing.enqueue(End(how.into())).await.unwrap();
    }

    let drained = testing.drain().await.unwrap();

    assert_eq!(drained.to_string(), "succeeded 1, retried 2, dead 1, discarded 1, snoozed 1");
    let errors: Vec<_> = drained.of("end").map(|run| run.error().unwrap_or_default()).collect();
    assert_eq!(errors, ["", "no use", "too late", "", "panicked: on purpose", "the disk is full"]);
    let waits: Vec<_> = drained.runs.iter().map(mosquito::testing::Performed::again_in).collect();
    let (minute, two) = (Some(Duration::from_secs(60)), Some(Duration::from_secs(2)));
    assert_eq!(waits, [None, None, None, minute, two, two], "the policy's own, without chance");
    let sizes = testing.queue("default").unwrap().sizes().await.unwrap();
    assert_eq!((sizes.scheduled, sizes.dead, sizes.total()), (3, 1, 4));
}

async fn a_drain_performs_what_its_runs_enqueue(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(CountDown { from: 9 }).await.unwrap();

    assert_eq!(testing.drain().await.unwrap().succeeded, 10);
}

async fn a_drain_of_one_queue_leaves_the_others(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(CountDown { from: 2 }).await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();

    assert_eq!(testing.drain().queue("countdown").await.unwrap().succeeded, 3);
    assert_eq!(testing.drain().queue("no such queue").await.unwrap_err().to_string().lines().count(), 1);
    assert_eq!(testing.drain().await.unwrap().succeeded, 1);
}

async fn one_job_is_performed_without_being_enqueued(url: &str) {
    let testing = record(url).await;

    let failed = testing.perform(Charge { succeeds_at: 3 }).await.unwrap();
    let third = testing.perform(Charge { succeeds_at: 3 }).attempt(3).await.unwrap();

    assert_eq!((failed.succeeded(), failed.error()), (false, Some("the bank is closed")));
    assert_eq!(failed.again_in(), Some(Duration::from_secs(3600)));
    assert_eq!((third.succeeded(), third.attempt), (true, 3));
    refute_enqueued!(testing, Charge);
    assert_eq!(testing.performed().len(), 2);
}

async fn the_last_attempt_ends_in_dead(url: &str) {
    let testing = record(url).await;

    let last = testing.perform(Charge { succeeds_at: 9 }).attempt(4).await.unwrap();

    assert!(last.is_dead());
    assert!(matches!(last.outcome, Outcome::Failed { .. }), "{last}");
}

async fn a_missing_state_is_told(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(SendWelcome { user_id: 7, template: "hi".into() }).await.unwrap();

    for error in [
        testing.drain().await.unwrap_err(),
        testing.perform(SendWelcome { user_id: 7, template: "hi".into() }).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::Build(_)), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("nobody provides the state `testing::jobs::Diary`, which testing::jobs::SendWelcome needs: add `.state(..)`"), "{told}");
    }
}

async fn a_blocking_job_is_performed_too(url: &str) {
    let testing = record(url).await;

    assert!(testing.perform(HoldThread).await.unwrap().succeeded());
}

async fn what_did_not_succeed_can_make_a_test_fail(url: &str) {
    let testing = Testing::inline().store(url).at(noon()).await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();
    testing.assert_succeeded();
    let _ = testing.enqueue(End("the disk is full".into())).await.unwrap();
    let later = testing.run_for(Duration::from_secs(2)).await.unwrap();

    let panic = std::panic::catch_unwind(|| later.assert_succeeded()).unwrap_err();
    let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| testing.assert_succeeded()));

    assert_eq!(
        *panic.downcast::<String>().unwrap(),
        "1 of 1 attempts did not succeed:\n    end, attempt 2: failed: the disk is full; scheduled in 4s"
    );
    assert!(all.unwrap_err().downcast::<String>().unwrap().starts_with("2 of 3 attempts did not succeed:\n"));
}

#[tokio::test]
#[should_panic(
    expected = "101 runs were performed at one moment, 101 of them of `count_down`, and there are more"
)]
async fn a_job_that_enqueues_itself_without_end_does_not_hang_the_test() {
    let testing = Testing::record().await.unwrap();
    let _ = testing.enqueue(CountDown { from: u32::MAX }).await.unwrap();

    let _ = testing.drain().limit(100).await;
}

#[tokio::test]
async fn a_server_that_dies_ends_a_drain_and_holds_up_nothing() {
    let mut server = mosquito_tests::RedisServer::start();
    let testing = record(&server.url()).await;
    for _ in 0..2 {
        let _ = testing.enqueue(HoldThread).await.unwrap();
    }
    assert!(testing.drain().await.is_ok());
    let begin = std::time::Instant::now();

    server.kill();
    let told = testing.drain().await.unwrap_err();
    drop(testing);

    assert!(told.is_transient(), "{told:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
