//! A store whose clock was set back waits no longer than it was told to.
//!
//! What counts a duration goes on counting it; what names a moment waits for that moment. Only where the clock is the
//! test's: nobody sets a server's clock back.

use std::time::Duration;

use mosquito::backend::{Lease, List, Rescued};

use crate::making::{HOUR, Overseer, rescue_after};
use crate::store::Store;

facts! {
    a_leadership_ends_with_its_lease_though_the_clock_was_set_back,
    a_leader_keeps_its_leadership_when_the_clock_was_set_back,
    a_dead_overseers_runs_come_back_though_the_clock_was_set_back,
    a_live_overseer_keeps_its_runs_when_the_clock_was_set_back,
}

const LEASE: Duration = Duration::from_secs(15);

/// Sets the clock back by an hour, if there is one to set.
fn set_back(store: &Store) -> bool {
    store.clock().map(|clock| clock.step(-3_600_000)).is_some()
}

async fn lead(store: &Store, overseer: &Overseer) -> Option<u64> {
    store.backend().lead(&overseer.id, LEASE).await.expect("leadership is answered")
}

async fn a_leadership_ends_with_its_lease_though_the_clock_was_set_back(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let first = lead(store, &ann).await.expect("nobody leads yet");
    if !set_back(store) {
        return;
    }

    assert_eq!(lead(store, &bob).await, None, "the lease is not over");
    store.pass(LEASE - Duration::from_millis(1)).await;
    assert_eq!(lead(store, &bob).await, None, "and lasts as long as it was given for");

    store.pass(Duration::from_millis(1)).await;
    assert_eq!(lead(store, &bob).await, Some(first + 1), "but no longer");
}

async fn a_leader_keeps_its_leadership_when_the_clock_was_set_back(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let first = lead(store, &ann).await;
    if !set_back(store) {
        return;
    }

    assert_eq!(lead(store, &ann).await, first, "it is the same leadership");
    store.pass(LEASE - Duration::from_millis(1)).await;

    assert_eq!(lead(store, &bob).await, None, "and lasts for the lease that it was renewed for");
}

async fn a_dead_overseers_runs_come_back_though_the_clock_was_set_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    if !set_back(store) {
        return;
    }

    assert_eq!(store.rescue(&rescue_after(LEASE)).await, Rescued::default(), "it may live");
    store.pass(LEASE - Duration::from_millis(1)).await;
    assert_eq!(
        store.rescue(&rescue_after(LEASE)).await,
        Rescued::default(),
        "its silence counts from then on"
    );

    store.pass(Duration::from_millis(1)).await;
    assert_eq!(store.rescue(&rescue_after(LEASE)).await.rescued.len(), 1, "and is not forgiven for an hour");
    assert_eq!(store.list(List::Waiting).await, ["a"], "the run waits");
}

async fn a_live_overseer_keeps_its_runs_when_the_clock_was_set_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    if !set_back(store) {
        return;
    }
    store.rescue(&rescue_after(LEASE)).await;
    store.pass(LEASE - Duration::from_millis(1)).await;

    assert_eq!(store.beat(&ann).await, Lease::Held, "it is in time");

    store.pass(LEASE - Duration::from_millis(1)).await;
    assert_eq!(store.rescue(&rescue_after(LEASE)).await, Rescued::default(), "and keeps what it has");
    assert!(store.rescue(&rescue_after(HOUR)).await.rescued.is_empty(), "however patient others are");
}
