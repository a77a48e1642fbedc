//! Performed at the enqueue.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito::backend::Fate;
use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};

use crate::jobs::{Charge, CountDown, CountDownByClient, Diary, End, SendWelcome};
use crate::stores::noon;

facts! {
    an_enqueue_performs_its_run_before_it_answers,
    what_a_run_enqueues_is_performed_after_it,
    a_client_within_a_job_waits_for_nothing,
    a_failure_is_retried_when_its_time_has_passed,
    a_bulk_enqueue_is_performed_whole,
    runs_enqueued_by_several_tasks_are_all_performed,
}

async fn inline(url: &str) -> Testing {
    Testing::inline().store(url).at(noon()).await.unwrap()
}

async fn an_enqueue_performs_its_run_before_it_answers(url: &str) {
    let diary = Diary::default();
    let testing = Testing::inline().store(url).at(noon()).state(diary.clone()).await.unwrap();

    let _ = testing.enqueue(SendWelcome { user_id: 7, template: "hi".into() }).await.unwrap();

    assert_eq!(diary.lines(), ["welcome 7 hi"]);
    refute_enqueued!(testing, SendWelcome);
    let _ = testing
        .enqueue(SendWelcome { user_id: 8, template: "later".into() })
        .delay(Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(diary.lines().len(), 1, "it is not due");
    assert_enqueued!(testing, SendWelcome { user_id: 8, .. }, within = "1m");
    assert_eq!(testing.run_for(Duration::from_secs(60)).await.unwrap().succeeded, 1);
}

async fn what_a_run_enqueues_is_performed_after_it(url: &str) {
    let testing = inline(url).await;

    let _ = testing.enqueue(CountDown { from: 4 }).await.unwrap();

    assert_eq!(testing.performed().len(), 5);
    let _ = testing.perform(CountDown { from: 2 }).await.unwrap();
    assert_eq!(testing.performed().len(), 5 + 3);
}

async fn a_client_within_a_job_waits_for_nothing(url: &str) {
    let diary = Diary::default();
    let testing = Testing::inline()
        .store(url)
        .at(noon())
        .state(diary.clone())
        .state_with(Mosquito::clone)
        .await
        .unwrap();

    let _ = testing.enqueue(CountDownByClient { from: 1 }).await.unwrap();

    assert_eq!(diary.lines(), ["begin 1", "end 1", "begin 0", "end 0"]);
}

async fn a_failure_is_retried_when_its_time_has_passed(url: &str) {
    let testing = inline(url).await;

    let enqueued = testing.enqueue(Charge { succeeds_at: 3 }).await.unwrap();
    assert!(enqueued.is_new(), "the enqueue succeeded, whatever became of the run");
    let first = testing.performed().pop().unwrap();
    assert_eq!(first.again_in(), Some(Duration::from_secs(3600)));

    let later = testing.run_for(Duration::from_secs(3 * 3600)).await.unwrap();

    assert_eq!(later.to_string(), "succeeded 1, retried 1");
    assert_eq!((later.runs[0].at - first.at).num_hours(), 1);
    assert_eq!((later.runs[1].at - first.at).num_hours(), 3);
    assert_eq!(later.runs[1].fate, Fate::Forget);
}

async fn a_bulk_enqueue_is_performed_whole(url: &str) {
    let testing = inline(url).await;

    let ends = (0..100).map(|n| End(if n % 2 == 0 { "well" } else { "dead" }.into()));
    let answers = testing.enqueue_all(ends).await.unwrap();

    assert_eq!((answers.len(), testing.performed().len()), (100, 100));
    assert_eq!(testing.queue("default").unwrap().sizes().await.unwrap().dead, 50);
}

async fn runs_enqueued_by_several_tasks_are_all_performed(url: &str) {
    let testing = inline(url).await;

    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let mosquito = (*testing).clone();
            tokio::spawn(async move { mosquito.enqueue(CountDown { from: 3 }).await.unwrap() })
        })
        .collect();
    for task in tasks {
        let _ = task.await.unwrap();
    }

    assert_eq!(testing.performed().len(), 80);
    assert_eq!(testing.queue("countdown").unwrap().sizes().await.unwrap().total(), 0);
}
