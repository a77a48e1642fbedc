//! So many runs at once.

use std::time::Duration;

use super::{at_once, flowing, key, limit, of_tenant};
use crate::making::{Overseer, banish, every_fate, rescue_after, run_id};
use crate::store::Store;
use mosquito::Flow;
use mosquito::backend::{Fate, Used};

facts! {
    no_more_than_the_limit_are_pending_of_each_key,
    a_full_limit_holds_up_nobody_else,
    each_way_out_of_pending_frees_the_slot,
    the_slots_of_the_dead_are_free_after_their_rescue,
    a_freed_slot_wakes_who_waits_for_it,
    a_deleted_run_leaves_the_slot_it_was_to_have_to_the_next,
    lanes_under_one_limit_take_turns_at_its_slots,
    how_a_limit_stands_is_told,
    the_latest_rule_holds,
}

async fn no_more_than_the_limit_are_pending_of_each_key(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.flow(["a1", "a2", "a3", "a4"].map(|id| (id, at_once(3, "a")))).await;
    store.flow(["b1", "b2"].map(|id| (id, at_once(3, "b")))).await;

    let mut first = store.next(&ann, 10).await;
    first.sort();

    assert_eq!(first, ["a1", "a2", "a3", "b1", "b2"]);
    assert!(store.next(&bob, 10).await.is_empty(), "whoever asks");
}

async fn a_full_limit_holds_up_nobody_else(store: &Store) {
    let ann = Overseer::named("ann");
    let many: Vec<_> = (0..50).map(|n| flowing(&format!("a{n:02}"), at_once(1, "a"))).collect();
    store.enqueue(&many).await;
    store.flow([("b", at_once(1, "b"))]).await;
    store.put(&["plain"]).await;

    let mut got = store.next(&ann, 10).await;
    got.sort();

    assert_eq!(got, ["a00", "b", "plain"]);
}

async fn each_way_out_of_pending_frees_the_slot(store: &Store) {
    let ann = Overseer::named("ann");
    for (n, fate) in every_fate().into_iter().enumerate() {
        store.flow([(&*format!("run{n}"), at_once(1, "a"))]).await;
        let claimed = store.claim(&ann, 1).await;
        assert_eq!(claimed.len(), 1, "the slot was free before {fate}");
        store.settle_one(&claimed[0], fate).await;
    }
    let handed_back = store.claim(&ann, 1).await;
    assert!(
        store.backend().delete(store.queue(), &handed_back[0].id).await.expect("it is answered"),
        "it is pending"
    );
    assert_eq!(used(store).await, Some(Used { used: 0, limit: 1 }), "deleted");

    store.flow([("last", at_once(1, "a"))]).await;
    store.claim(&ann, 1).await;
    store.backend().flush(store.queue()).await.expect("it is answered");

    assert_eq!(used(store).await, Some(Used { used: 0, limit: 1 }), "flushed");
}

async fn used(store: &Store) -> Option<Used> {
    store
        .backend()
        .limit(store.queue(), &limit("letters"), &key("a"))
        .await
        .expect("it is answered")
        .concurrency
}

async fn the_slots_of_the_dead_are_free_after_their_rescue(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.flow(["a1", "a2"].map(|id| (id, at_once(1, "a")))).await;
    store.next(&ann, 10).await;

    store.rescue(&rescue_after(Duration::ZERO)).await;

    assert_eq!(store.next(&bob, 10).await, ["a1"], "in front, and alone");
}

async fn a_freed_slot_wakes_who_waits_for_it(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3"].map(|id| (id, at_once(1, "a")))).await;
    for expected in ["a1", "a2", "a3"] {
        let claimed = store.claim(&ann, 10).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].id, run_id(expected));
        assert!(store.next(&ann, 10).await.is_empty(), "its slot is taken");
        let fate = if expected == "a2" { banish() } else { Fate::Forget };
        store.settle_one(&claimed[0], fate).await;
    }
}

async fn a_deleted_run_leaves_the_slot_it_was_to_have_to_the_next(store: &Store) {
    let ann = Overseer::named("ann");
    let of = |tenant: &str| Flow { concurrency: at_once(1, "all").concurrency, ..of_tenant(tenant, 1) };
    store.flow([("a1", of("a")), ("b1", of("b")), ("c1", of("c"))]).await;
    let first = store.claim(&ann, 10).await;
    store.settle_one(&first[0], Fate::Forget).await;

    assert!(store.delete("b1").await, "whose turn it was");

    assert_eq!(store.next(&ann, 10).await, ["c1"]);
}

async fn lanes_under_one_limit_take_turns_at_its_slots(store: &Store) {
    let ann = Overseer::named("ann");
    let of = |tenant: &str| Flow { concurrency: at_once(2, "all").concurrency, ..of_tenant(tenant, 1) };
    store.flow([("a1", of("a")), ("a2", of("a")), ("a3", of("a")), ("b1", of("b")), ("c1", of("c"))]).await;

    let mut order = Vec::new();
    loop {
        let claimed = store.claim(&ann, 10).await;
        if claimed.is_empty() {
            break;
        }
        assert!(claimed.len() <= 2, "there are two slots: {claimed:?}");
        for claim in &claimed {
            order.push(claim.id.to_string());
            store.settle_one(claim, Fate::Forget).await;
        }
    }

    assert_eq!(order, ["a1", "b1", "c1", "a2", "a3"]);
}

async fn how_a_limit_stands_is_told(store: &Store) {
    let ann = Overseer::named("ann");
    assert_eq!(used(store).await, None, "there is none yet");
    store.flow(["a1", "a2", "a3"].map(|id| (id, at_once(2, "a")))).await;

    store.next(&ann, 10).await;

    assert_eq!(used(store).await, Some(Used { used: 2, limit: 2 }));
}

async fn the_latest_rule_holds(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3"].map(|id| (id, at_once(1, "a")))).await;
    store.flow([("a4", at_once(3, "a"))]).await;

    assert_eq!(store.next(&ann, 10).await, ["a1", "a2", "a3"]);
}
