//! So many runs in a time.

use std::time::Duration;

use super::{a_second, flowing, key, limit};
use crate::making::Overseer;
use crate::store::Store;
use mosquito::backend::Used;
use mosquito::{Flow, RateKind, RateUse};

facts! {
    no_more_start_than_the_limit_and_the_rest_waits_in_its_place,
    other_keys_flow_past,
    it_is_told_when_more_may_start,
    when_it_is_time_they_go_on_in_their_order,
    each_kind_lets_its_limit_start_at_once,
    a_run_counts_as_its_weight,
    what_was_started_counts_after_a_flush_too,
    how_much_was_started_is_told,
}

const SECOND: Duration = Duration::from_secs(1);

async fn no_more_start_than_the_limit_and_the_rest_waits_in_its_place(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3"].map(|id| (id, a_second(RateKind::Sliding, 2, "a")))).await;

    assert_eq!(store.next(&ann, 10).await, ["a1", "a2"]);
    assert!(store.next(&ann, 10).await.is_empty(), "not yet");

    let left = store.find("a3").await.expect("it is there");
    assert_eq!((left.history.attempts, store.sizes().await.waiting), (0, 1), "no attempt is used up");
}

async fn other_keys_flow_past(store: &Store) {
    let ann = Overseer::named("ann");
    let many: Vec<_> =
        (0..50).map(|n| flowing(&format!("a{n:02}"), a_second(RateKind::Sliding, 1, "a"))).collect();
    store.enqueue(&many).await;
    store.flow([("b", a_second(RateKind::Sliding, 1, "b"))]).await;
    store.put(&["plain"]).await;

    let mut got = store.next(&ann, 10).await;
    got.sort();

    assert_eq!(got, ["a00", "b", "plain"]);
}

async fn it_is_told_when_more_may_start(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2"].map(|id| (id, a_second(RateKind::Sliding, 1, "a")))).await;
    store.next(&ann, 10).await;

    let next = store.promote(10).await.next_due.expect("one waits for its time");

    assert!(next <= SECOND.mul_f64(1.05) && next > SECOND / 10, "{next:?}");
}

async fn when_it_is_time_they_go_on_in_their_order(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3"].map(|id| (id, a_second(RateKind::Sliding, 1, "a")))).await;
    assert_eq!(store.next(&ann, 10).await, ["a1"]);
    assert!(store.next(&ann, 10).await.is_empty(), "not yet");

    store.pass(SECOND.mul_f64(1.05)).await;
    assert_eq!(store.promote(10).await.woken, 1);

    assert_eq!(store.next(&ann, 10).await, ["a2"]);
}

async fn each_kind_lets_its_limit_start_at_once(store: &Store) {
    let ann = Overseer::named("ann");
    for (name, kind) in [("s", RateKind::Sliding), ("t", RateKind::TokenBucket), ("f", RateKind::Fixed)] {
        let runs: Vec<_> = (0..5)
            .map(|n| {
                let flow = a_second(kind, 3, name);
                let rate = flow.rate.map(|rate| RateUse { name: limit(name), ..rate });
                flowing(&format!("{name}{n}"), Flow { rate, ..Flow::default() })
            })
            .collect();
        store.enqueue(&runs).await;

        let got = store.next(&ann, 10).await.len();
        // A fixed window may end between two claims.
        assert!(got == 3 || kind == RateKind::Fixed && got <= 5, "{kind:?}: {got}");
    }
}

async fn a_run_counts_as_its_weight(store: &Store) {
    let ann = Overseer::named("ann");
    let weighing = |weight| {
        let flow = a_second(RateKind::Sliding, 10, "a");
        let rate = flow.rate.map(|rate| RateUse { weight, ..rate });
        Flow { rate, ..Flow::default() }
    };
    store.flow([("a", weighing(6)), ("b", weighing(4)), ("c", weighing(1))]).await;

    assert_eq!(store.next(&ann, 10).await, ["a", "b"]);
}

async fn what_was_started_counts_after_a_flush_too(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow([("a1", a_second(RateKind::Sliding, 1, "a"))]).await;
    store.next(&ann, 10).await;

    store.backend().flush(store.queue()).await.expect("it is answered");
    store.flow([("a2", a_second(RateKind::Sliding, 1, "a"))]).await;

    assert!(store.next(&ann, 10).await.is_empty(), "a flush starts nothing");
}

async fn how_much_was_started_is_told(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2"].map(|id| (id, a_second(RateKind::Sliding, 5, "a")))).await;
    store.next(&ann, 10).await;

    let report =
        store.backend().limit(store.queue(), &limit("letters"), &key("a")).await.expect("it is answered");
    let other =
        store.backend().limit(store.queue(), &limit("letters"), &key("b")).await.expect("it is answered");

    assert_eq!(report.rate, Some(Used { used: 2, limit: 5 }));
    assert_eq!(other.rate, Some(Used { used: 0, limit: 5 }));
    assert_eq!(report.concurrency, None);
}
