//! From `scheduled` to `waiting`, when it is time.

use std::time::Duration;

use mosquito::When;
use mosquito::backend::{BATCH_LIMIT, Claim, Fate, List, Promoted, Settled};

use crate::making::{HOUR, Overseer, ids, numbered, reschedule, run, run_in, run_when, runs, settlements};
use crate::store::Store;

facts! {
    a_due_run_comes_to_wait_and_no_other,
    due_runs_come_behind_those_that_wait_the_earliest_first,
    a_promotion_moves_no_more_than_it_is_told,
    a_promotion_never_moves_more_than_a_batch,
    thousands_due_at_once_all_arrive,
    a_promotion_tells_when_the_next_run_is_due,
    a_promoted_run_keeps_its_history_and_envelope,
}

/// Short enough to let it really pass.
const SHORTLY: Duration = Duration::from_millis(100);

async fn a_due_run_comes_to_wait_and_no_other(store: &Store) {
    let ann = Overseer::named("ann");
    store.put_runs(&[run_in("soon", SHORTLY), run_in("later", HOUR)]).await;
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "a scheduled run is not handed out");

    store.pass(SHORTLY).await;

    assert_eq!(store.claim(&ann, 5).await.len(), 0, "not even a due one, before it is promoted");
    assert_eq!(store.promote(5).await.moved, 1, "one is due");
    assert_eq!(store.list(List::Waiting).await, ["soon"], "and waits");
    assert_eq!(store.list(List::Scheduled).await, ["later"], "the other is not due");
    assert_eq!(store.promote(5).await.moved, 0, "and stays");
    assert_eq!(ids(&store.claim(&ann, 5).await), ["soon"], "what waits is handed out");
}

async fn due_runs_come_behind_those_that_wait_the_earliest_first(store: &Store) {
    let ann = Overseer::named("ann");
    let soon = store.now().await + SHORTLY * 15;
    let at = |id, millis| run_when(id, When::At(soon + chrono::TimeDelta::milliseconds(millis)));
    store.put_runs(&[at("third", 30), at("first", 10), at("fourth", 40), at("second", 20), run("a")]).await;

    store.pass(SHORTLY * 16).await;

    assert_eq!(store.promote(5).await.moved, 4, "all are due");
    let waiting = store.list(List::Waiting).await;
    assert_eq!(waiting, ["a", "first", "second", "third", "fourth"], "by their due times");
    assert_eq!(ids(&store.claim(&ann, 2).await), ["a", "first"], "in that order they are handed out");
}

async fn a_promotion_moves_no_more_than_it_is_told(store: &Store) {
    let all = numbered(5);
    let claims = claimed(store, &all).await;
    for claim in &claims {
        store.settle_one(claim, reschedule(Duration::ZERO)).await;
    }

    let none = store.promote(0).await;
    let first = store.promote(2).await;
    let second = store.promote(2).await;
    let third = store.promote(2).await;

    let more = Some(Duration::ZERO);
    assert_eq!(none, Promoted { moved: 0, woken: 0, next_due: more }, "nothing was wanted");
    assert_eq!(first, Promoted { moved: 2, woken: 0, next_due: more }, "zero says that more are due");
    assert_eq!(second, Promoted { moved: 2, woken: 0, next_due: more }, "zero says that more are due");
    assert_eq!(third, Promoted { moved: 1, woken: 0, next_due: None }, "none is left");
    let mut waiting = store.list(List::Waiting).await;
    waiting.sort();
    assert_eq!(waiting, all, "all came to wait");
}

async fn claimed(store: &Store, ids: &[String]) -> Vec<Claim> {
    store.put_runs(&runs(ids)).await;
    store.claim(&Overseer::named("ann"), ids.len()).await
}

async fn a_promotion_never_moves_more_than_a_batch(store: &Store) {
    let all = numbered(BATCH_LIMIT + 5);
    for ids in all.chunks(BATCH_LIMIT) {
        let claims = claimed(store, ids).await;
        store.settle(&settlements(&claims, &reschedule(Duration::ZERO))).await;
    }

    let promoted = store.promote(usize::MAX).await;

    let expected = Promoted { moved: BATCH_LIMIT, woken: 0, next_due: Some(Duration::ZERO) };
    assert_eq!(promoted, expected, "whatever it is told");
    assert_eq!(
        store.promote(usize::MAX).await,
        Promoted { moved: 5, woken: 0, next_due: None },
        "the rest follows"
    );
}

async fn thousands_due_at_once_all_arrive(store: &Store) {
    let all = numbered(2_500);
    let due = store.now().await + SHORTLY;
    let runs: Vec<_> = all.iter().map(|id| run_when(id, When::At(due))).collect();
    store.put_runs(&runs).await;
    store.pass(SHORTLY).await;

    let mut steps = Vec::new();
    loop {
        let promoted = store.promote(500).await;
        steps.push(promoted.moved);
        if promoted.next_due != Some(Duration::ZERO) {
            break;
        }
    }

    let waiting = store.list(List::Waiting).await;
    let at_once = all.len() - steps.iter().sum::<usize>();
    assert!(steps.iter().all(|moved| *moved <= 500), "in bounded steps: {steps:?}");
    assert!(steps[..steps.len() - 1].iter().all(|moved| *moved == 500), "and full ones: {steps:?}");
    // On a slow machine the last of them are enqueued when the time has come, and wait at once.
    assert_eq!(waiting.len(), all.len(), "{at_once} waited at once and all arrived");
    assert_eq!(store.sizes().await.scheduled, 0, "none is left");
}

async fn a_promotion_tells_when_the_next_run_is_due(store: &Store) {
    let slack = Duration::from_secs(60);
    assert_eq!(store.promote(5).await, Promoted { moved: 0, woken: 0, next_due: None }, "there is none");

    store.put_runs(&[run_in("b", HOUR * 2), run_in("a", HOUR)]).await;

    let next = store.promote(5).await.next_due.expect("there is one");
    assert!(HOUR - slack <= next && next <= HOUR, "the earliest is due in an hour: {next:?}");
    store.delete("a").await;
    let next = store.promote(5).await.next_due.expect("there is one");
    assert!(HOUR * 2 - slack <= next && next <= HOUR * 2, "then the other one: {next:?}");
    store.delete("b").await;
    assert_eq!(store.promote(5).await.next_due, None, "then there is none again");
}

async fn a_promoted_run_keeps_its_history_and_envelope(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;
    store.settle_one(&claim, reschedule(Duration::ZERO)).await;
    let before = store.find("a").await.expect("it is scheduled");

    store.promote(1).await;

    let after = store.find("a").await.expect("it waits");
    assert_eq!((after.list, after.at), (List::Waiting, None), "its place is another");
    assert_eq!((after.history, after.envelope), (before.history, before.envelope), "all else is the same");
    let claim = store.claim(&Overseer::named("bob"), 1).await.remove(0);
    assert_eq!(store.settle_one(&claim, Fate::Forget).await, Settled::Done, "it can be claimed");
}
