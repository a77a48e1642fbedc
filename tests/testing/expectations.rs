//! What a test says is enqueued, and what it is told otherwise.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};

use crate::jobs::{End, SendWelcome, SignIn};

facts! {
    what_is_enqueued_is_found_by_some_of_its_fields,
    the_time_until_a_run_is_due_can_be_expected,
    a_failed_expectation_says_what_is_enqueued_instead,
    a_failed_refusal_names_the_run,
    what_was_enqueued_is_answered_as_jobs,
    each_scope_has_a_store_of_its_own,
    redacted_arguments_are_not_shown,
    what_an_expectation_is_compared_with_is_not_moved,
}

fn welcome(user_id: u64) -> SendWelcome {
    SendWelcome { user_id, template: "hi".into() }
}

async fn record(url: &str) -> Testing {
    Testing::record().store(url).await.unwrap()
}

/// What a test is told that fails.
pub(crate) async fn complaint(failing: impl Future<Output = ()>) -> String {
    let panic = AssertUnwindSafe(failing).catch_unwind().await.expect_err("the expectation fails");
    *panic.downcast::<String>().expect("it says why")
}

async fn what_is_enqueued_is_found_by_some_of_its_fields(url: &str) {
    let testing = record(url).await;
    let user_id = 7;
    let _ = testing.enqueue(welcome(user_id)).await.unwrap();
    let _ = testing.enqueue(welcome(8)).queue("bulk").await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();

    assert_enqueued!(testing, SendWelcome);
    assert_enqueued!(testing, SendWelcome { .. }, count = 2);
    assert_enqueued!(testing, SendWelcome { user_id: 7, .. });
    assert_enqueued!(testing, SendWelcome { user_id, .. }, queue = "mail", count = 1);
    assert_enqueued!(testing, crate::jobs::SendWelcome { user_id: 4 + 4, template: "hi" }, queue = "bulk");
    assert_enqueued!(testing, End, matching = |end| end.0 == "well");
    refute_enqueued!(testing, SendWelcome { user_id: 7, .. }, queue = "bulk");
    refute_enqueued!(testing, SendWelcome { user_id: 9, .. });
    refute_enqueued!(testing, SendWelcome { template: "ho", .. });
    assert_enqueued!(testing, SignIn, count = 0);
}

async fn the_time_until_a_run_is_due_can_be_expected(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(welcome(7)).delay(Duration::from_secs(600)).await.unwrap();

    assert_enqueued!(testing, SendWelcome, within = "10m");
    refute_enqueued!(testing, SendWelcome, within = Duration::from_secs(599));
    testing.advance(Duration::from_secs(300));
    assert_enqueued!(testing, SendWelcome, within = "5m", delay = "5m");
    refute_enqueued!(testing, SendWelcome, delay = "5m 1ms");
    refute_enqueued!(testing, SendWelcome, delay = Duration::ZERO);
    let bad = complaint(async { assert_enqueued!(testing, SendWelcome, within = "5 minuts") }).await;
    assert!(bad.starts_with("`5 minuts` is no duration, as `10m` or `1h 30m` is"), "{bad}");
}

async fn a_failed_expectation_says_what_is_enqueued_instead(url: &str) {
    let testing = Testing::record().store(url).state(crate::jobs::Diary::default()).await.unwrap();

    let nothing = complaint(async { assert_enqueued!(testing, SendWelcome) }).await;
    assert_eq!(nothing, "SendWelcome is not enqueued\n  nothing is enqueued");

    let _ = testing.enqueue(welcome(7)).await.unwrap();
    assert_eq!(testing.drain().await.unwrap().succeeded, 1);
    let _ = testing.enqueue(welcome(8)).await.unwrap();
    let _ = testing.enqueue(welcome(7)).queue("bulk").delay(Duration::from_secs(90)).await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();
    let other = complaint(async {
        assert_enqueued!(testing, SendWelcome { user_id: 7, .. }, queue = "mail", within = "1m");
    });

    assert_eq!(
        other.await,
        r#"SendWelcome { user_id: 7, .. } in queue `mail` within 1m is not enqueued
  enqueued are:
    bulk: send_welcome {"user_id":7,"template":"hi"}, in 1m 30s <- not its queue, time
    default: end "well", waiting
    mail: send_welcome {"user_id":8,"template":"hi"}, waiting <- not its user_id
  performed already: 1, the last of them
    send_welcome, attempt 1: succeeded; gone"#
    );
    let twice = complaint(async { assert_enqueued!(testing, SendWelcome { user_id: 8, .. }, count = 2) });
    assert!(twice.await.starts_with("SendWelcome { user_id: 8, .. } is enqueued 1 times, not 2\n"));
}

async fn a_failed_refusal_names_the_run(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(welcome(7)).await.unwrap();
    let _ = testing.enqueue(welcome(8)).await.unwrap();

    let told = complaint(async { refute_enqueued!(testing, SendWelcome { user_id: 8, .. }) }).await;

    assert_eq!(
        told,
        r#"SendWelcome { user_id: 8, .. } is enqueued
  enqueued are:
    mail: send_welcome {"user_id":7,"template":"hi"}, waiting
    mail: send_welcome {"user_id":8,"template":"hi"}, waiting <- this one"#
    );
}

async fn what_was_enqueued_is_answered_as_jobs(url: &str) {
    let testing = record(url).await;
    let new = testing.enqueue(welcome(7)).await.unwrap();
    let _ = testing.enqueue(welcome(8)).delay(Duration::from_secs(60)).await.unwrap();

    let jobs = testing.enqueued::<SendWelcome>().await.unwrap();

    let all: Vec<_> = jobs.iter().map(|found| (found.job.user_id, found.due)).collect();
    assert_eq!(all, [(7, None), (8, Some(testing.now() + Duration::from_secs(60)))]);
    assert_eq!((&jobs[0].id, jobs[0].queue.as_str()), (new.id(), "mail"));
}

async fn what_an_expectation_is_compared_with_is_not_moved(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(welcome(7)).await.unwrap();
    let expected = welcome(7);
    let template = expected.template.clone();

    assert_enqueued!(testing, SendWelcome { template, .. });
    assert_enqueued!(testing, SendWelcome { user_id: expected.user_id, template: expected.template });
    let told =
        complaint(async { assert_enqueued!(testing, SendWelcome { user_id: 8, template }, delay = "2s") });

    assert!(told.await.starts_with("SendWelcome { user_id: 8, template } in 2s is not enqueued\n"));
    assert_eq!(template, expected.template);
}

async fn each_scope_has_a_store_of_its_own(url: &str) {
    let (one, other) = (record(url).await, record(url).await);

    let _ = one.enqueue(welcome(7)).await.unwrap();

    assert_enqueued!(one, SendWelcome);
    refute_enqueued!(other, SendWelcome);
}

async fn redacted_arguments_are_not_shown(url: &str) {
    let testing = record(url).await;
    let _ = testing.enqueue(SignIn { user: "ada".into(), pass_word: "secret".into() }).await.unwrap();

    let told = complaint(async { refute_enqueued!(testing, SignIn { pass_word: "secret", .. }) }).await;

    assert!(told.contains(r#"sign_in {"passWord":"[redacted]","user":"ada"}"#), "{told}");
}

#[tokio::test]
async fn a_scope_leaves_nothing_behind_in_its_redis() {
    // A server of its own: others of these tests leave things on the common one while they run.
    let server = mosquito_tests::RedisServer::start();
    let keys = || -> Vec<String> { server.command(&["KEYS", "*"]) };
    let testing = Testing::record().store(server.url()).await.unwrap();
    for number in 0..400 {
        let _ = testing.enqueue(welcome(7)).queue(format!("mail-{number}")).await.unwrap();
    }
    let before = keys();

    drop(testing);

    assert!(before.len() > 1000, "{}", before.len());
    assert_eq!(keys(), [""; 0]);
}

#[tokio::test]
async fn a_test_that_panics_leaves_nothing_behind() {
    let server = mosquito_tests::RedisServer::start();
    let (redis, file) = (record(&server.url()).await, record("sqlite://").await);
    let folder = format!("{:?}", file.backend());

    let failed = complaint(async move {
        let _ = redis.enqueue(welcome(7)).await.unwrap();
        let _ = file.enqueue(welcome(7)).await.unwrap();
        refute_enqueued!(redis, SendWelcome);
    });

    assert!(failed.await.starts_with("SendWelcome is enqueued"));
    assert_eq!(server.command::<Vec<String>>(&["KEYS", "*"]), [""; 0]);
    let path = folder.split('"').find(|part| part.contains("mosquito-testing-")).expect("it is told");
    assert!(!std::path::Path::new(path).parent().unwrap().exists(), "{path}");
}
