//! At most one run of a key.

use std::time::Duration;

use super::{flowing, key};
use crate::making::{Overseer, banish, every_fate, reschedule, rescue_after, run_id, run_with};
use crate::store::Store;
use mosquito::backend::{Enqueued, Fate, List};
use mosquito::{Flow, NewRun, OnConflict, Unique, Until, When};

facts! {
    another_run_of_the_key_is_answered_by_the_one_that_is_there,
    other_keys_do_not_matter,
    several_of_a_key_in_one_call_are_one,
    until_the_finish_is_until_it_has_left_the_store_or_is_dead,
    until_the_start_is_until_the_claim,
    one_waits_while_one_runs,
    a_time_goes_on_after_the_finish,
    each_way_out_undone_lets_the_next_one_in,
    what_was_cancelled_keeps_nobody_away_whatever_it_is_settled_with,
    who_lost_its_key_lets_nobody_elses_go,
    a_replaced_run_keeps_its_place_and_has_the_new_arguments,
    a_scheduled_run_is_put_off_by_each_that_replaces_it,
    a_scheduled_run_that_is_replaced_is_unique_for_as_long_as_the_new_one_says,
    what_is_being_performed_is_not_replaced,
    the_latest_is_kept_while_one_runs,
    the_same_id_again_is_no_conflict,
}

const SHORT: Duration = Duration::from_millis(100);

fn unique(until: Until, on_conflict: OnConflict) -> Flow {
    Flow { unique: Some(Unique { key: key("u"), until, on_conflict }), ..Flow::default() }
}

fn until(until: Until) -> Flow {
    unique(until, OnConflict::Return)
}

async fn enqueue(store: &Store, id: &str, flow: &Flow) -> Enqueued {
    store.enqueue(&[flowing(id, flow.clone())]).await.remove(0)
}

fn new(id: &str) -> Enqueued {
    Enqueued::New(run_id(id))
}

fn duplicate(id: &str) -> Enqueued {
    Enqueued::Duplicate(run_id(id))
}

fn replaced(id: &str) -> Enqueued {
    Enqueued::Replaced(run_id(id))
}

async fn another_run_of_the_key_is_answered_by_the_one_that_is_there(store: &Store) {
    let flow = until(Until::Finish);

    assert_eq!(enqueue(store, "a", &flow).await, new("a"));
    assert_eq!(enqueue(store, "b", &flow).await, duplicate("a"));

    assert_eq!((store.sizes().await.waiting, store.place("b").await), (1, None));
    assert_eq!(
        store.backend().holder(store.queue(), &key("u")).await.expect("it is answered"),
        Some(run_id("a"))
    );
}

async fn other_keys_do_not_matter(store: &Store) {
    let flow = until(Until::Finish);
    let other = Unique { key: key("v"), ..flow.unique.clone().expect("it is unique") };

    assert_eq!(enqueue(store, "a", &flow).await, new("a"));
    assert_eq!(enqueue(store, "b", &Flow { unique: Some(other), ..Flow::default() }).await, new("b"));
}

async fn several_of_a_key_in_one_call_are_one(store: &Store) {
    let runs: Vec<_> = ["a", "b", "c"].map(|id| flowing(id, until(Until::Finish))).into();

    assert_eq!(store.enqueue(&runs).await, [new("a"), duplicate("a"), duplicate("a")]);
}

async fn until_the_finish_is_until_it_has_left_the_store_or_is_dead(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::Finish));
    for (id, fate, free) in
        [("a", Fate::Forget, true), ("b", banish(), true), ("c", reschedule(SHORT), false)]
    {
        assert_eq!(enqueue(store, id, &flow).await, new(id));
        let claim = store.claim(&ann, 1).await.remove(0);
        assert_eq!(enqueue(store, "x", &flow).await, duplicate(id), "it is being performed");
        store.settle_one(&claim, fate).await;

        let holder = store.backend().holder(store.queue(), &key("u")).await.expect("it is answered");
        assert_eq!(holder.is_none(), free, "{id}: {holder:?}");
    }
}

async fn until_the_start_is_until_the_claim(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::Start));
    assert_eq!(enqueue(store, "a", &flow).await, new("a"));
    assert_eq!(enqueue(store, "x", &flow).await, duplicate("a"));

    store.claim(&ann, 1).await;

    assert_eq!(enqueue(store, "b", &flow).await, new("b"));
    assert_eq!(store.next(&ann, 1).await, ["b"], "both are performed at once");
}

async fn one_waits_while_one_runs(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::StartThenWhileRunning));
    assert_eq!(enqueue(store, "a", &flow).await, new("a"));
    let first = store.claim(&ann, 1).await.remove(0);
    assert_eq!(enqueue(store, "b", &flow).await, new("b"));
    assert_eq!(enqueue(store, "c", &flow).await, duplicate("b"));

    assert!(store.next(&ann, 1).await.is_empty(), "one runs");
    store.settle_one(&first, Fate::Forget).await;

    assert_eq!(store.next(&ann, 1).await, ["b"]);
}

async fn a_time_goes_on_after_the_finish(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::For(20 * SHORT)));
    assert_eq!(enqueue(store, "a", &flow).await, new("a"));
    let claim = store.claim(&ann, 1).await.remove(0);
    store.settle_one(&claim, Fate::Forget).await;

    assert_eq!(enqueue(store, "b", &flow).await, duplicate("a"), "its time is not over");
    store.pass(20 * SHORT).await;

    assert_eq!(enqueue(store, "b", &flow).await, new("b"));
}

async fn each_way_out_undone_lets_the_next_one_in(store: &Store) {
    let ann = Overseer::named("ann");
    for (n, until) in [Until::Finish, Until::Start, Until::For(100 * SHORT)].into_iter().enumerate() {
        let flow = self::until(until);
        let id = |what: &str| format!("{what}{n}");
        assert_eq!(enqueue(store, &id("deleted"), &flow).await, new(&id("deleted")), "{until:?}");
        assert!(
            store.backend().delete(store.queue(), &run_id(&id("deleted"))).await.expect("it is answered")
        );
        assert_eq!(enqueue(store, &id("flushed"), &flow).await, new(&id("flushed")), "{until:?}");
        store.backend().flush(store.queue()).await.expect("it is answered");
        assert_eq!(enqueue(store, &id("dead"), &flow).await, new(&id("dead")), "{until:?}");
        let claim = store.claim(&ann, 1).await.remove(0);
        store.settle_one(&claim, banish()).await;
        assert_eq!(enqueue(store, &id("poisoned"), &flow).await, new(&id("poisoned")), "{until:?}");
        store.claim(&ann, 1).await;
        let poison = mosquito::backend::Rescue { max_crashes: 1, ..rescue_after(Duration::ZERO) };
        assert_eq!(store.rescue(&poison).await.poisoned.len(), 1);
        assert_eq!(
            store.backend().holder(store.queue(), &key("u")).await.expect("it is answered"),
            None,
            "{until:?}"
        );
    }
}

async fn what_was_cancelled_keeps_nobody_away_whatever_it_is_settled_with(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::For(100 * SHORT)));
    for (n, fate) in every_fate().into_iter().enumerate() {
        let id = format!("run-{n}");
        assert_eq!(enqueue(store, &id, &flow).await, new(&id), "{fate:?}");
        let claim = store.claim(&ann, 1).await.remove(0);
        store.backend().cancel(store.queue(), &[run_id(&id)]).await.expect("it is answered");

        store.settle_one(&claim, fate).await;

        assert!(store.beside().unique.is_empty(), "{:?}", store.beside());
    }
}

async fn who_lost_its_key_lets_nobody_elses_go(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), until(Until::Start));
    enqueue(store, "a", &flow).await;
    let first = store.claim(&ann, 1).await.remove(0);
    enqueue(store, "b", &flow).await;

    store.settle_one(&first, Fate::HandBack).await;
    store.backend().delete(store.queue(), &run_id("a")).await.expect("it is answered");

    assert_eq!(enqueue(store, "c", &flow).await, duplicate("b"));
}

fn letter(id: &str, to: &str, flow: &Flow, when: When) -> NewRun {
    run_with(id, &format!(r#"{{"to":"{to}"}}"#), when).flowing(flow.clone())
}

async fn arguments(store: &Store, id: &str) -> String {
    let envelope = store.find(id).await.expect("it is there").envelope;
    String::from_utf8(envelope).expect("it is JSON")
}

async fn a_replaced_run_keeps_its_place_and_has_the_new_arguments(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), unique(Until::Finish, OnConflict::Replace));
    store.enqueue(&[letter("a", "ada", &flow, When::Now)]).await;
    store.put(&["other"]).await;

    let answer = store.enqueue(&[letter("b", "grace", &flow, When::Now)]).await;

    assert_eq!(answer, [replaced("a")]);
    assert!(arguments(store, "a").await.contains("grace"));
    assert_eq!(store.next(&ann, 10).await, ["a", "other"]);
}

async fn a_scheduled_run_is_put_off_by_each_that_replaces_it(store: &Store) {
    let flow = unique(Until::Finish, OnConflict::Replace);
    store.enqueue(&[letter("a", "ada", &flow, When::After(2 * SHORT))]).await;
    store.pass(SHORT).await;
    let answer = store.enqueue(&[letter("b", "grace", &flow, When::After(100 * SHORT))]).await;
    store.pass(2 * SHORT).await;

    assert_eq!(answer, [replaced("a")]);
    assert_eq!(store.promote(10).await.moved, 0, "it was put off");
    assert!(arguments(store, "a").await.contains("grace"));

    store.enqueue(&[letter("c", "barbara", &flow, When::Now)]).await;
    assert_eq!(store.place("a").await, Some(List::Waiting), "and then it was to be at once");
}

async fn a_scheduled_run_that_is_replaced_is_unique_for_as_long_as_the_new_one_says(store: &Store) {
    let ann = Overseer::named("ann");
    let holder = || async { store.backend().holder(store.queue(), &key("u")).await.expect("it is answered") };
    let finish = unique(Until::Finish, OnConflict::Replace);
    let for_a_time = unique(Until::For(10 * SHORT), OnConflict::Replace);

    store.enqueue(&[letter("a", "ada", &finish, When::After(100 * SHORT))]).await;
    let answer = store.enqueue(&[letter("b", "grace", &for_a_time, When::Now)]).await;
    let claim = store.claim(&ann, 1).await.remove(0);
    store.settle_one(&claim, Fate::Forget).await;
    assert_eq!((answer, holder().await), (vec![replaced("a")], Some(run_id("a"))), "its time is not over");
    store.pass(10 * SHORT).await;
    assert_eq!(holder().await, None, "it is");
    store.promote(10).await;
    assert!(store.beside().unique.is_empty(), "and forgotten: {:?}", store.beside());

    store.enqueue(&[letter("c", "ada", &for_a_time, When::After(100 * SHORT))]).await;
    let answer = store.enqueue(&[letter("d", "grace", &finish, When::Now)]).await;
    let claim = store.claim(&ann, 1).await.remove(0);
    store.pass(10 * SHORT).await;
    store.promote(10).await;
    assert_eq!((answer, holder().await), (vec![replaced("c")], Some(run_id("c"))), "it is not finished");
    store.settle_one(&claim, Fate::Forget).await;
    assert!(store.beside().unique.is_empty(), "it is: {:?}", store.beside());
}

async fn what_is_being_performed_is_not_replaced(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), unique(Until::Finish, OnConflict::Replace));
    store.enqueue(&[letter("a", "ada", &flow, When::Now)]).await;
    store.claim(&ann, 1).await;

    let answer = store.enqueue(&[letter("b", "grace", &flow, When::Now)]).await;

    assert_eq!(answer, [duplicate("a")]);
    assert!(arguments(store, "a").await.contains("ada"));
}

async fn the_latest_is_kept_while_one_runs(store: &Store) {
    let (ann, flow) = (Overseer::named("ann"), unique(Until::Finish, OnConflict::KeepLatest));
    store.enqueue(&[letter("a", "ada", &flow, When::Now)]).await;
    let first = store.claim(&ann, 1).await.remove(0);

    let kept = store.enqueue(&[letter("b", "grace", &flow, When::Now)]).await;
    let latest = store.enqueue(&[letter("c", "barbara", &flow, When::Now)]).await;
    assert!(store.next(&ann, 1).await.is_empty(), "one runs");
    store.settle_one(&first, Fate::Forget).await;

    assert_eq!((kept, latest), (vec![new("b")], vec![replaced("b")]));
    assert!(arguments(store, "b").await.contains("barbara"));
    assert_eq!(store.next(&ann, 1).await, ["b"]);
}

async fn the_same_id_again_is_no_conflict(store: &Store) {
    let flow = unique(Until::Finish, OnConflict::Replace);
    store.enqueue(&[letter("a", "ada", &flow, When::Now)]).await;

    assert_eq!(store.enqueue(&[letter("a", "grace", &flow, When::Now)]).await, [duplicate("a")]);
    assert!(arguments(store, "a").await.contains("ada"), "it stays as it is");
}
