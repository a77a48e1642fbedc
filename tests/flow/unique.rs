//! At most one run of a key.

use std::time::Duration;

use mosquito::testing::{Testing, assert_enqueued};
use mosquito::{Enqueued, Error, FlowKey, RunId, Unique, Until};

use crate::jobs::{Digest, Import, Index, Refresh};

facts! {
    a_second_run_like_it_is_answered_by_the_first,
    what_is_enqueued_again_and_again_is_performed_once_and_as_it_came_last,
    what_comes_more_often_than_once_a_minute_is_performed_once_a_minute,
    a_rejected_run_is_an_error_for_one_and_an_answer_in_bulk,
    an_enqueue_may_say_otherwise_than_its_job,
    many_at_once_are_unique_by_what_is_said_of_each,
}

const SECOND: Duration = Duration::from_secs(1);

fn digest(user: u64, text: &str) -> Digest {
    Digest { user, text: text.into() }
}

async fn a_second_run_like_it_is_answered_by_the_first(testing: &Testing) {
    let first = testing.enqueue(digest(1, "hello")).await.unwrap();
    let second = testing.enqueue(digest(1, "hello again")).await.unwrap();
    let other = testing.enqueue(digest(2, "hello")).await.unwrap();

    assert_eq!(second, Enqueued::Duplicate(first.id().clone()));
    assert!(first.is_new() && other.is_new());
    assert_enqueued!(testing, Digest { user: 1, text: "hello" }, count = 1);
    assert_eq!(testing.drain().await.unwrap().succeeded, 2);
    assert!(testing.enqueue(digest(1, "hello")).await.unwrap().is_new(), "the first one is finished");
}

async fn what_is_enqueued_again_and_again_is_performed_once_and_as_it_came_last(testing: &Testing) {
    let begin = testing.now();
    for revision in 1..=10 {
        let answer = testing.enqueue(Index { document: 17, revision }).delay(5 * SECOND).await.unwrap();
        assert_eq!(matches!(answer, Enqueued::Replaced(_)), revision > 1, "{answer:?}");
        testing.advance(SECOND);
    }

    assert_enqueued!(testing, Index { document: 17, revision: 10 }, count = 1);
    let all = testing.run_for(60 * SECOND).await.unwrap();
    assert_eq!(all.succeeded, 1);
    assert_eq!((all.runs[0].at - begin).num_seconds(), 9 + 5, "five seconds after the last one");
}

async fn what_comes_more_often_than_once_a_minute_is_performed_once_a_minute(testing: &Testing) {
    let mut new = 0;
    for _ in 0..150 {
        new += usize::from(testing.enqueue(Refresh { document: 17 }).await.unwrap().is_new());
        testing.drain().await.unwrap();
        testing.advance(SECOND);
    }

    assert_eq!((new, testing.performed().len()), (3, 3));
}

async fn a_rejected_run_is_an_error_for_one_and_an_answer_in_bulk(testing: &Testing) {
    let id = RunId::new("first").unwrap();
    testing.enqueue(Import { account: 1 }).id(id.clone()).await.unwrap();

    let refused = testing.enqueue(Import { account: 1 }).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Duplicate { job, id: there } if job == "import" && *there == id),
        "{refused:?}"
    );
    assert_eq!(refused.to_string(), "a run of job `import` like it is there already: first");
    assert!(!refused.is_transient());

    let again = testing.enqueue(Import { account: 1 }).id(id.clone()).await.unwrap();
    assert_eq!(again, Enqueued::Duplicate(id.clone()), "the same one again is no conflict");

    let all = testing.enqueue_all([1, 2, 1].map(|account| Import { account })).await.unwrap();
    assert_eq!(all[0], Enqueued::Duplicate(id));
    assert!(all[1].is_new() && !all[2].is_new());
}

async fn an_enqueue_may_say_otherwise_than_its_job(testing: &Testing) {
    let first = testing.enqueue(digest(1, "a")).await.unwrap();
    assert!(testing.enqueue(digest(1, "b")).not_unique().await.unwrap().is_new());

    let by_text = |text: &str| Unique::by(FlowKey::readable(&("text", text)).unwrap()).until(Until::Start);
    assert!(testing.enqueue(digest(1, "c")).unique(by_text("c")).await.unwrap().is_new());
    assert!(!testing.enqueue(digest(2, "c")).unique(by_text("c")).await.unwrap().is_new());

    // What is said last holds.
    let answer = testing.enqueue(digest(1, "d")).not_unique().unique(by_text("c")).await.unwrap();
    assert!(!answer.is_new());
    assert!(testing.enqueue(digest(1, "d")).unique(by_text("c")).not_unique().await.unwrap().is_new());
    assert_eq!(testing.enqueue(digest(1, "e")).await.unwrap(), Enqueued::Duplicate(first.id().clone()));
}

async fn many_at_once_are_unique_by_what_is_said_of_each(testing: &Testing) {
    let texts = ["a", "b", "a", "c", "b"];
    let digests = || texts.map(|text| digest(1, text));

    let by_user = testing.enqueue_all(digests()).await.unwrap();
    let by_text = testing
        .enqueue_all(digests())
        .unique(|digest| Ok(Unique::by(FlowKey::readable(&("text", &digest.text))?)))
        .await
        .unwrap();
    let all = testing.enqueue_all(digests()).not_unique().await.unwrap();

    let new = |answers: &[Enqueued]| answers.iter().filter(|answer| answer.is_new()).count();
    assert_eq!([new(&by_user), new(&by_text), new(&all)], [1, 3, 5]);
}
