//! What an operator sees and does: one queue.

use std::collections::BTreeSet;
use std::time::Duration;

use mosquito::backend::{Cancelled, List, Sizes, Used};
use mosquito::testing::Testing;
use mosquito::{Filter, FlowKey, Job, RunId};

use crate::jobs::{Call, Digest, Mail, Track};

facts! {
    sizes_are_those_of_all_partitions,
    pages_hold_each_run_once,
    a_run_is_found_cancelled_and_deleted_wherever_it_stands,
    a_filter_cancels_in_all_partitions,
    limits_and_holders_are_found,
    a_queue_is_emptied_as_one,
    other_queues_stay_as_they_are,
}

fn tracks(users: u64) -> impl Iterator<Item = Track> + Send + 'static {
    (0..users).map(|user| Track { user, number: 1 })
}

async fn sizes_are_those_of_all_partitions(testing: &Testing) {
    testing.enqueue_all(tracks(40)).await.unwrap();
    testing.enqueue_all(tracks(30)).delay(Duration::from_secs(60)).await.unwrap();

    let sizes = testing.queue("events").unwrap().sizes().await.unwrap();

    assert_eq!(sizes, Sizes { waiting: 40, scheduled: 30, ..Sizes::default() });
    let names: Vec<_> = testing.queues().await.unwrap().iter().map(|q| q.name().to_string()).collect();
    assert_eq!(names, ["events"]);
}

async fn pages_hold_each_run_once(testing: &Testing) {
    testing.enqueue_all(tracks(100)).await.unwrap();
    let events = testing.queue("events").unwrap();

    for step in [1, 7, 33, 100, 1_000] {
        let (mut ids, mut offset) = (BTreeSet::new(), 0);
        loop {
            let page = events.page(List::Waiting, offset, step).await.unwrap();
            assert!(page.len() == step || page.len() == 100 - offset.min(100), "{} at {offset}", page.len());
            if page.is_empty() {
                break;
            }
            offset += page.len();
            ids.extend(page.into_iter().map(|run| run.id));
        }
        assert_eq!((ids.len(), offset), (100, 100), "in steps of {step}");
    }
}

async fn a_run_is_found_cancelled_and_deleted_wherever_it_stands(testing: &Testing) {
    let ids: Vec<_> =
        testing.enqueue_all(tracks(20)).await.unwrap().iter().map(|answer| answer.id().clone()).collect();
    let events = testing.queue("events").unwrap();

    for (place, id) in ids.iter().enumerate() {
        assert_eq!(events.find(id).await.unwrap().unwrap().id, *id);
        if place % 2 == 0 {
            assert_eq!(events.cancel(id).await.unwrap(), Cancelled::Removed);
        } else {
            assert!(events.delete(id).await.unwrap());
        }
        assert_eq!(events.find(id).await.unwrap(), None);
    }

    assert_eq!(events.sizes().await.unwrap(), Sizes::default());
    let nobody = RunId::new("nobody").unwrap();
    assert_eq!(events.cancel(&nobody).await.unwrap(), Cancelled::Unknown);
    assert!(!events.delete(&nobody).await.unwrap());
}

async fn a_filter_cancels_in_all_partitions(testing: &Testing) {
    testing.enqueue_all(tracks(50)).await.unwrap();
    testing.enqueue_all((0..20).map(|user| Digest { user })).await.unwrap();
    let events = testing.queue("events").unwrap();

    let count = events.cancel_where(Filter::new().job::<Track>()).await.unwrap();

    assert_eq!((count.removed, count.running), (50, 0));
    assert_eq!(events.sizes().await.unwrap().waiting, 20);
}

async fn limits_and_holders_are_found(testing: &Testing) {
    let events = testing.queue("events").unwrap();
    for user in 0..10 {
        let calls = (0..3).map(move |_| Call { user, kind: "fax".into() });
        testing.enqueue_all(calls.collect::<Vec<_>>()).await.unwrap();
        testing.enqueue(Digest { user }).await.unwrap();
    }
    for user in 0..10 {
        let key = Digest { user }.flow().unwrap().unique.unwrap().key;
        assert!(events.holder(&key).await.unwrap().is_some(), "of user {user}");
    }
    testing.drain().await.unwrap();

    let (rate, at_once) = (FlowKey::readable(&(7, "fax")).unwrap(), FlowKey::readable(&(7,)).unwrap());
    assert_eq!(events.limit("call", &rate).await.unwrap().rate, Some(Used { used: 3, limit: 100 }));
    let report = events.limit("call", &at_once).await.unwrap();
    assert_eq!(report.concurrency, Some(Used { used: 0, limit: 2 }));
}

async fn a_queue_is_emptied_as_one(testing: &Testing) {
    testing.enqueue_all(tracks(40)).await.unwrap();
    let events = testing.queue("events").unwrap();

    events.flush().await.unwrap();

    assert_eq!(events.sizes().await.unwrap(), Sizes::default());
}

async fn other_queues_stay_as_they_are(testing: &Testing) {
    testing.enqueue_all(tracks(20)).await.unwrap();
    testing.enqueue_all((0..3).map(|number| Mail { number })).await.unwrap();
    testing.enqueue(Mail { number: 3 }).queue("event").await.unwrap();
    testing.enqueue(Mail { number: 4 }).queue("events.eu").await.unwrap();

    testing.queue("events").unwrap().flush().await.unwrap();
    testing.queue("events").unwrap().pause().await.unwrap();

    for (queue, waiting) in [("mail", 3), ("event", 1), ("events.eu", 1)] {
        let queue = testing.queue(queue).unwrap();
        assert_eq!(queue.sizes().await.unwrap().waiting, waiting);
        assert_eq!(queue.paused().await.unwrap(), None);
    }
}
