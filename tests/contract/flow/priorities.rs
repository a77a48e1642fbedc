//! Levels of a queue.

use super::{flowing, of_tenant, priority};
use crate::making::{Overseer, numbered, run, runs, settlements};
use crate::store::Store;
use mosquito::backend::{Fate, List};
use mosquito::{Flow, Priority};

facts! {
    the_more_urgent_goes_first_and_within_a_level_who_came_first,
    a_plain_run_is_of_the_middle_level,
    no_level_starves,
    what_is_handed_back_goes_to_the_front_of_its_level,
    what_is_handed_back_together_keeps_its_order,
    a_run_of_any_level_is_found_paged_counted_and_deleted,
    what_was_scheduled_comes_to_its_level,
}

async fn the_more_urgent_goes_first_and_within_a_level_who_came_first(store: &Store) {
    let ann = Overseer::named("ann");
    let levels = [("a9", 9), ("a3", 3), ("a0", 0), ("b3", 3), ("b9", 9), ("b0", 0)];
    store.flow(levels.map(|(id, level)| (id, priority(level)))).await;

    let one_by_one = [store.next(&ann, 1).await, store.next(&ann, 1).await].concat();
    let rest = store.next(&ann, 10).await;

    assert_eq!(one_by_one, ["a0", "b0"]);
    assert_eq!(rest, ["a3", "b3", "a9", "b9"]);
}

async fn a_plain_run_is_of_the_middle_level(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&[run("plain"), flowing("late", priority(6)), flowing("early", priority(4))]).await;

    assert_eq!(store.next(&ann, 10).await, ["early", "plain", "late"]);
    assert!(priority(5).is_plain() && Flow::default().priority == Priority::default());
}

async fn no_level_starves(store: &Store) {
    let ann = Overseer::named("ann");
    let urgent = numbered(350);
    let urgent: Vec<_> = urgent.iter().map(|id| flowing(id, priority(0))).collect();
    store.enqueue(&urgent).await;
    store.flow([("x1", priority(9)), ("x2", priority(9)), ("x3", priority(9)), ("y1", priority(8))]).await;

    let all = store.next(&ann, 1_000).await;

    let place = |id: &str| all.iter().position(|other| other == id).expect("it was claimed");
    assert_eq!([place("x1"), place("y1"), place("x2"), place("x3")], [100, 101, 201, 302]);
    assert_eq!(all.len(), 354);
}

async fn what_is_handed_back_goes_to_the_front_of_its_level(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow([("a", priority(3)), ("b", priority(3)), ("c", priority(3)), ("z", priority(2))]).await;
    let claimed = store.claim(&ann, 3).await;
    let ids: Vec<_> = claimed.iter().map(|claim| claim.id.to_string()).collect();

    for claim in claimed.iter().rev() {
        store.settle_one(claim, Fate::HandBack).await;
    }

    assert_eq!(ids, ["z", "a", "b"]);
    assert_eq!(store.next(&ann, 10).await, ["z", "a", "b", "c"]);
}

async fn what_is_handed_back_together_keeps_its_order(store: &Store) {
    let ann = Overseer::named("ann");
    store
        .flow([("a", priority(3)), ("b", of_tenant("b", 1)), ("c", priority(3)), ("d", of_tenant("b", 1))])
        .await;
    let claimed = store.claim(&ann, 10).await;

    store.settle(&settlements(&claimed, &Fate::HandBack)).await;

    assert_eq!(store.next(&ann, 10).await, ["a", "c", "b", "d"]);
}

async fn a_run_of_any_level_is_found_paged_counted_and_deleted(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&runs(&["p".into(), "q".into()])).await;
    store.flow([("a", priority(7)), ("b", priority(1)), ("c", priority(7))]).await;

    assert_eq!(store.sizes().await.waiting, 5);
    assert_eq!(
        store.list(List::Waiting).await,
        ["p", "q", "b", "a", "c"],
        "plain runs, and then lane by lane"
    );
    assert_eq!(store.place("a").await, Some(List::Waiting));
    let deleted =
        store.backend().delete(store.queue(), &crate::making::run_id("a")).await.expect("it is answered");
    assert!(deleted, "it was there");
    assert_eq!(store.next(&ann, 10).await, ["b", "p", "q", "c"]);
}

async fn what_was_scheduled_comes_to_its_level(store: &Store) {
    let ann = Overseer::named("ann");
    let soon = std::time::Duration::from_millis(50);
    let late = crate::making::run_in("late", soon).flowing(priority(0));
    store.enqueue(&[late, run("plain")]).await;
    store.pass(soon).await;

    assert_eq!(store.promote(10).await.moved, 1);

    assert_eq!(store.next(&ann, 10).await, ["late", "plain"]);
}
