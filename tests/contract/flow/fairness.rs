//! Lanes that take turns.

use super::{at_once, flowing, limit, of_tenant};
use crate::making::{Overseer, ids, run, settlement};
use crate::store::Store;
use mosquito::backend::Fate;
use mosquito::{ConcurrencyUse, Flow};

facts! {
    tenants_take_turns_however_many_runs_one_has,
    a_weight_is_so_many_runs_at_each_turn,
    a_turn_goes_on_over_claims_of_one_run_each,
    a_turn_that_a_full_limit_ends_is_over,
    who_comes_late_does_not_wait_for_those_who_came_before,
    runs_without_a_key_and_lanes_take_turns,
    one_tenant_alone_gets_all_there_is,
}

async fn tenants_take_turns_however_many_runs_one_has(store: &Store) {
    let ann = Overseer::named("ann");
    let big: Vec<_> = (0..20).map(|n| flowing(&format!("big-{n:02}"), of_tenant("big", 1))).collect();
    store.enqueue(&big).await;
    store
        .flow([("s1", of_tenant("small", 1)), ("t1", of_tenant("tiny", 1)), ("s2", of_tenant("small", 1))])
        .await;

    assert_eq!(
        store.next(&ann, 8).await,
        ["big-00", "s1", "t1", "big-01", "s2", "big-02", "big-03", "big-04"]
    );
}

async fn a_weight_is_so_many_runs_at_each_turn(store: &Store) {
    let ann = Overseer::named("ann");
    let of = |tenant: &'static str, weight| {
        (0..6).map(move |n| flowing(&format!("{tenant}{n}"), of_tenant(tenant, weight)))
    };
    store.enqueue(&of("a", 3).chain(of("b", 1)).collect::<Vec<_>>()).await;

    assert_eq!(store.next(&ann, 9).await, ["a0", "a1", "a2", "b0", "a3", "a4", "a5", "b1", "b2"]);
}

async fn a_turn_goes_on_over_claims_of_one_run_each(store: &Store) {
    let ann = Overseer::named("ann");
    let of = |tenant: &'static str, weight| {
        (0..8).map(move |n| flowing(&format!("{tenant}{n}"), of_tenant(tenant, weight)))
    };
    store.enqueue(&of("a", 3).chain(of("b", 1)).collect::<Vec<_>>()).await;

    let mut order = Vec::new();
    for at_most in [1, 1, 1, 1, 2, 1, 1] {
        order.extend(store.next(&ann, at_most).await);
    }

    assert_eq!(order, ["a0", "a1", "a2", "b0", "a3", "a4", "a5", "b1"]);
}

async fn a_turn_that_a_full_limit_ends_is_over(store: &Store) {
    let ann = Overseer::named("ann");
    let of_three = |tenant| Flow { fair: of_tenant(tenant, 3).fair, ..at_once(3, "a") };
    let parcels = at_once(1, "b").concurrency.map(|one| ConcurrencyUse { name: limit("parcels"), ..one });
    let of_one = Flow { concurrency: parcels, ..Flow::default() };
    store.flow([("x", of_three("x"))]).await;
    let mut held = store.claim(&ann, 1).await;
    store.flow(["a0", "a1", "a2", "a3", "a4", "a5"].map(|id| (id, of_three("a")))).await;
    store.flow(["b0", "b1"].map(|id| (id, of_one.clone()))).await;
    for id in ["a0", "a1", "b0"] {
        let claims = store.claim(&ann, 1).await;
        assert_eq!(ids(&claims), [id], "two of three, since x has a slot");
        held.extend(claims);
        if id == "a1" {
            store.flow([("c0", of_tenant("c", 1))]).await;
        }
    }

    store.settle(&held.iter().map(|one| settlement(one, Fate::Forget)).collect::<Vec<_>>()).await;

    for id in ["a2", "a3", "a4", "c0"] {
        assert_eq!(store.next(&ann, 1).await, [id], "the next turn is a whole one");
    }
}

async fn who_comes_late_does_not_wait_for_those_who_came_before(store: &Store) {
    let ann = Overseer::named("ann");
    let big: Vec<_> = (0..50).map(|n| flowing(&format!("big-{n:02}"), of_tenant("big", 1))).collect();
    store.enqueue(&big).await;
    store.next(&ann, 10).await;

    store.flow([("s1", of_tenant("small", 1))]).await;

    assert!(store.next(&ann, 2).await.contains(&"s1".to_owned()));
}

async fn runs_without_a_key_and_lanes_take_turns(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&["p1", "p2", "p3"].map(run)).await;
    store.flow([("a1", of_tenant("a", 1)), ("b1", of_tenant("b", 1)), ("a2", of_tenant("a", 1))]).await;

    assert_eq!(store.next(&ann, 10).await, ["p1", "a1", "p2", "b1", "p3", "a2"]);
}

async fn one_tenant_alone_gets_all_there_is(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3"].map(|id| (id, of_tenant("a", 1)))).await;

    assert_eq!(store.next(&ann, 2).await, ["a1", "a2"]);
    assert_eq!(store.next(&ann, 2).await, ["a3"]);
    assert!(store.next(&ann, 2).await.is_empty());
}
