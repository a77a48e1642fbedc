//! One overseer at a time coordinates.

use std::time::Duration;

use crate::making::{HOUR, Overseer};
use crate::store::Store;

facts! {
    one_overseer_leads_at_a_time,
    renewing_keeps_the_epoch,
    a_leadership_that_ran_out_is_taken_over_with_a_greater_epoch,
    a_renewal_prolongs_the_leadership,
    to_resign_frees_the_leadership_at_once,
    only_the_leader_can_resign,
    the_longest_leadership_is_no_error,
}

async fn lead(store: &Store, overseer: &Overseer, lease: Duration) -> Option<u64> {
    store.backend().lead(&overseer.id, lease).await.expect("leadership is answered")
}

async fn resign(store: &Store, overseer: &Overseer) {
    store.backend().resign(&overseer.id).await.expect("anybody may resign");
}

async fn one_overseer_leads_at_a_time(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));

    assert!(lead(store, &ann, HOUR).await.is_some(), "nobody leads yet");

    assert_eq!(lead(store, &bob, HOUR).await, None, "now somebody does");
    let elsewhere = store.second().lead(&bob.id, HOUR).await.expect("leadership is answered");
    assert_eq!(elsewhere, None, "seen from anywhere");
}

async fn renewing_keeps_the_epoch(store: &Store) {
    let ann = Overseer::named("ann");
    let epoch = lead(store, &ann, HOUR).await;

    assert_eq!(lead(store, &ann, HOUR).await, epoch, "it is the same leadership");
    let elsewhere = store.second().lead(&ann.id, HOUR).await.expect("leadership is answered");
    assert_eq!(elsewhere, epoch, "renewed from anywhere");
}

async fn a_leadership_that_ran_out_is_taken_over_with_a_greater_epoch(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let lease = Duration::from_millis(100);
    let first = lead(store, &ann, lease).await.expect("nobody leads yet");
    store.pass(lease).await;

    let second = lead(store, &bob, HOUR).await;

    assert_eq!(second, Some(first + 1), "each takeover counts one");
    assert_eq!(lead(store, &ann, HOUR).await, None, "the old leader learns that it is over");
    resign(store, &bob).await;
    assert_eq!(lead(store, &ann, HOUR).await, Some(first + 2), "and counts as another when it comes back");
}

async fn a_renewal_prolongs_the_leadership(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let lease = Duration::from_millis(100);
    lead(store, &ann, lease).await;
    lead(store, &ann, HOUR).await;

    store.pass(lease).await;

    assert_eq!(lead(store, &bob, HOUR).await, None, "the first lease is over, the renewed one is not");
    lead(store, &ann, lease).await;
    store.pass(lease).await;
    assert!(lead(store, &bob, HOUR).await.is_some(), "and a shorter one ends sooner");
}

async fn to_resign_frees_the_leadership_at_once(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let first = lead(store, &ann, HOUR).await.expect("nobody leads yet");

    resign(store, &ann).await;

    assert_eq!(lead(store, &bob, HOUR).await, Some(first + 1), "the next one need not wait");
}

async fn only_the_leader_can_resign(store: &Store) {
    let (ann, bob, eve) = (Overseer::named("ann"), Overseer::named("bob"), Overseer::named("eve"));
    resign(store, &bob).await;
    let epoch = lead(store, &ann, HOUR).await;

    resign(store, &bob).await;

    assert_eq!(lead(store, &eve, HOUR).await, None, "the leadership is not free");
    assert_eq!(lead(store, &ann, HOUR).await, epoch, "and is whose it was");
}

async fn the_longest_leadership_is_no_error(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));

    assert!(lead(store, &ann, Duration::MAX).await.is_some(), "nobody leads yet");

    assert_eq!(lead(store, &bob, HOUR).await, None, "it goes on");
}
