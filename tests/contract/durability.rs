//! Enqueues that ask how safe they are: enqueued as any other, whatever the answer.

use std::time::Duration;

use mosquito::Durability;
use mosquito::backend::{Enqueued, List};

use crate::making::{HOUR, run, run_id, run_in};
use crate::store::Store;

facts! {
    what_is_less_durable_than_asked_is_enqueued,
    no_store_claims_replicas_that_it_has_not,
    memory_and_no_replicas_are_always_met,
}

async fn what_is_less_durable_than_asked_is_enqueued(store: &Store) {
    store.put(&["b"]).await;
    let replicas = Durability::Replicas(1, Duration::from_millis(10));
    let runs = [run("a"), run("b"), run_in("c", HOUR)];

    let (answers, _met) =
        store.backend().enqueue_durably(store.queue(), &runs, replicas).await.expect("it is");

    let expected = [Enqueued::New(run_id("a")), Enqueued::Duplicate(run_id("b")), Enqueued::New(run_id("c"))];
    assert_eq!(answers, expected, "each is answered as by a usual enqueue");
    assert_eq!(store.list(List::Waiting).await, ["b", "a"]);
    assert_eq!(store.list(List::Scheduled).await, ["c"]);
}

async fn no_store_claims_replicas_that_it_has_not(store: &Store) {
    let replicas = Durability::Replicas(1, Duration::from_millis(10));

    // The second time it is a duplicate, which writes nothing.
    for _ in 0..2 {
        let (_, met) =
            store.backend().enqueue_durably(store.queue(), &[run("a")], replicas).await.expect("it is");

        assert_eq!(met.wanted(), replicas);
        assert!(!met.is_met(), "these stores have none: {met:?}");
    }
}

async fn memory_and_no_replicas_are_always_met(store: &Store) {
    for (id, durability) in [("a", Durability::Memory), ("b", Durability::Replicas(0, Duration::ZERO))] {
        let (answers, met) =
            store.backend().enqueue_durably(store.queue(), &[run(id)], durability).await.expect("it is");

        assert_eq!(answers, [Enqueued::New(run_id(id))]);
        assert!(met.is_met(), "{met:?}");
    }
    let (answers, _met) =
        store.backend().enqueue_durably(store.queue(), &[], Durability::Fsync).await.expect("it is");
    assert_eq!(answers, [], "and none for none");
}
