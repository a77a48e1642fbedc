//! Lanes that take turns.

use super::{flowing, of_tenant};
use crate::making::{Overseer, run};
use crate::store::Store;

facts! {
    tenants_take_turns_however_many_runs_one_has,
    a_weight_is_so_many_runs_at_each_turn,
    a_turn_goes_on_over_claims_of_one_run_each,
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
