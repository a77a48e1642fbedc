//! Out of the queue: one run, the oldest dead, or all.

use std::time::Duration;

use mosquito::History;
use mosquito::backend::{
    BATCH_LIMIT, Claim, Enqueued, Fate, Lease, List, Overlap, Pause, Rescued, Settled, Ticked,
};

use crate::making::{
    HOUR, Overseer, banish, every_fate, ids, job, numbered, queue, reschedule, rescue_after, run, run_id,
    run_in, runs, settlements, stored_ids, tick,
};
use crate::store::Store;

facts! {
    a_run_is_deleted_from_any_list,
    a_claim_does_not_miss_a_run_that_was_deleted,
    a_run_is_deleted_from_a_long_list_too,
    a_deleted_run_does_not_come_back,
    the_claim_of_a_deleted_run_is_stale_whatever_its_fate,
    an_id_can_be_enqueued_again_after_its_deletion,
    a_flush_empties_all_four_lists,
    a_flush_voids_the_claims,
    a_flush_keeps_the_schedules_the_pause_and_the_leases,
    a_flushed_queue_works_as_a_new_one,
    a_flush_is_of_one_queue,
    pruning_keeps_the_newest_dead,
    pruning_removes_what_is_dead_for_too_long,
    pruning_is_bounded,
    what_is_dead_for_exactly_so_long_is_pruned,
    pruning_touches_no_other_list,
}

/// Banishes these runs one after the other, each at a time of its own.
async fn bury(store: &Store, ids: &[&str]) {
    let ann = Overseer::named("undertaker");
    for id in ids {
        let claim = store.claimed(id, &ann).await;
        store.settle_one(&claim, banish()).await;
        store.pass(Duration::from_millis(3)).await;
    }
}

/// One run in each list, named for it; the pending one's claim.
async fn one_in_each_list(store: &Store) -> Claim {
    bury(store, &["dead"]).await;
    let claim = store.claimed("pending", &Overseer::named("ann")).await;
    store.put_runs(&[run("waiting"), run_in("scheduled", HOUR)]).await;
    claim
}

async fn prune(store: &Store, keep: usize, age: Duration, at_most: usize) -> usize {
    store.backend().prune(store.queue(), keep, age, at_most).await.expect("pruning is answered")
}

async fn a_run_is_deleted_from_any_list(store: &Store) {
    one_in_each_list(store).await;
    let mut left = store.everything().await;

    for list in List::ALL {
        let id = list.to_string();
        assert!(store.delete(&id).await, "there was a {id} run");

        left.retain(|run| run.list != list);
        assert_eq!(store.everything().await, left, "it is gone, and no other");
        assert_eq!(store.find(&id).await, None, "it is not found any more");
        assert!(!store.delete(&id).await, "and cannot be deleted twice");
    }
    assert!(!store.delete("unknown").await, "nor can what never was");
}

async fn a_claim_does_not_miss_a_run_that_was_deleted(store: &Store) {
    store.put(&["a", "b", "c", "d", "e"]).await;

    for id in ["a", "c", "d"] {
        store.delete(id).await;
    }

    assert_eq!(
        ids(&store.claim(&Overseer::named("ann"), 2).await),
        ["b", "e"],
        "it gets as many as there are"
    );
}

async fn a_run_is_deleted_from_a_long_list_too(store: &Store) {
    let ann = Overseer::named("ann");
    let mut all = numbered(2_500);
    store.put_runs(&runs(&all)).await;
    let claims = store.claim(&ann, 1_000).await;
    store.settle(&settlements(&claims, &Fate::HandBack)).await;

    // Some in front, one deep inside, the last.
    for id in ["run-0000", "run-0001", "run-0002", "run-0003", "run-1700", "run-2499"] {
        assert!(store.delete(id).await, "{id} was there");
        all.retain(|one| one != id);
        assert_eq!(store.sizes().await.waiting, all.len(), "without {id} there is one less");
    }

    assert_eq!(store.list(List::Waiting).await, all, "the others stand as they stood");
    assert_eq!(
        stored_ids(&store.page(List::Waiting, 0, 3).await),
        all[..3],
        "and are shown from the first on"
    );
    assert_eq!(ids(&store.claim(&ann, 3).await), all[..3], "a claim gets as many as it asks for");
    store.put(&["run-1700"]).await;
    assert_eq!(
        store.list(List::Waiting).await.last().map(String::as_str),
        Some("run-1700"),
        "it is the last now"
    );
}

async fn a_deleted_run_does_not_come_back(store: &Store) {
    let ann = Overseer::named("ann");
    let ticket = ann.ticket();
    store.put(&["a", "b"]).await;
    let claims = store.claim_with(&ticket, 1).await.runs;
    let shortly = Duration::from_millis(50);
    store.put_runs(&[run_in("later", shortly)]).await;

    for id in ["a", "later"] {
        store.delete(id).await;
    }
    store.pass(shortly).await;

    assert_eq!(store.promote(5).await.moved, 0, "not by a promotion");
    assert_eq!(ids(&claims), ["a"], "it was claimed");
    assert_eq!(store.rescue(&rescue_after(Duration::ZERO)).await, Rescued::default(), "nor by a rescue");
    assert_eq!(store.list(List::Waiting).await, ["b"], "nor any other way");
}

async fn the_claim_of_a_deleted_run_is_stale_whatever_its_fate(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    for (fate, id) in every_fate().into_iter().zip(numbered(4)) {
        let old = store.claimed(&id, &ann).await;
        store.delete(&id).await;
        assert_eq!(store.settle_one(&old, fate.clone()).await, Settled::Stale, "it is gone: {fate:?}");
        assert_eq!(store.everything().await, [], "and {fate:?} does not bring it back");

        let new = store.claimed(&id, &bob).await;
        assert_eq!(store.settle_one(&old, fate.clone()).await, Settled::Stale, "it is another: {fate:?}");

        assert_eq!(store.place(&id).await, Some(List::Pending), "which is not touched");
        assert_eq!(store.settle_one(&new, Fate::Forget).await, Settled::Done, "and whose claim stands");
    }
}

async fn an_id_can_be_enqueued_again_after_its_deletion(store: &Store) {
    one_in_each_list(store).await;

    for id in ["waiting", "pending", "scheduled", "dead"] {
        store.delete(id).await;
        assert_eq!(store.enqueue(&[run(id)]).await, [Enqueued::New(run_id(id))], "{id} is free again");
        assert_eq!(store.history(id).await, History::default(), "and has no history");
    }

    let claims = store.claim(&Overseer::named("bob"), 5).await;
    assert_eq!(ids(&claims), ["waiting", "pending", "scheduled", "dead"], "in the order of their new lives");
}

async fn a_flush_empties_all_four_lists(store: &Store) {
    one_in_each_list(store).await;

    store.backend().flush(store.queue()).await.expect("a queue is flushed");

    assert_eq!(store.sizes().await.total(), 0, "no run is left");
    assert_eq!(store.everything().await, [], "in any list");
    for list in List::ALL {
        assert_eq!(store.find(&list.to_string()).await, None, "nor is the {list} one found");
    }
    assert_eq!(store.promote(5).await.next_due, None, "nothing is due");
}

async fn a_flush_voids_the_claims(store: &Store) {
    let ann = Overseer::named("ann");
    let ticket = ann.ticket();
    store.put(&["a"]).await;
    let claims = store.claim_with(&ticket, 1).await.runs;

    store.backend().flush(store.queue()).await.expect("a queue is flushed");

    for fate in every_fate() {
        assert_eq!(
            store.settle(&settlements(&claims, &fate)).await,
            [Settled::Stale],
            "{fate:?} is too late"
        );
    }
    assert_eq!(store.claim_with(&ticket, 1).await.runs.len(), 0, "the ticket has nothing any more");
    assert_eq!(store.rescue(&rescue_after(Duration::ZERO)).await, Rescued::default(), "nor has a rescue");
    assert_eq!(store.sizes().await.total(), 0, "the queue stays empty");
}

async fn a_flush_keeps_the_schedules_the_pause_and_the_leases(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    let at = store.now().await - HOUR;
    let ticked = store.backend().tick(store.queue(), &tick(at, Overlap::Skip)).await;
    assert!(matches!(ticked, Ok(Ticked::Enqueued(_))), "the job ticks: {ticked:?}");
    store.backend().pause(&store.queue().into(), &Pause::new()).await.expect("a queue is paused");

    store.backend().flush(store.queue()).await.expect("a queue is flushed");

    let last = store.backend().last_tick(store.queue(), &job("report")).await.expect("a schedule is told");
    assert_eq!(last.at, at, "the schedule stands where it stood");
    let next =
        store.backend().tick(store.queue(), &tick(at + chrono::TimeDelta::minutes(1), Overlap::Skip)).await;
    assert!(matches!(next, Ok(Ticked::Enqueued(_))), "the run that was flushed is finished: {next:?}");
    let paused = store.backend().paused(&store.queue().into()).await.expect("a pause is told");
    assert!(paused.is_some_and(|paused| paused.until.is_none()), "the pause goes on");
    assert_eq!(store.beat(&ann).await, Lease::Held, "and so do the overseers");
}

async fn a_flushed_queue_works_as_a_new_one(store: &Store) {
    let ann = Overseer::named("ann");
    one_in_each_list(store).await;
    store.backend().flush(store.queue()).await.expect("a queue is flushed");

    let claim = store.claimed("pending", &ann).await;

    assert_eq!(claim.history, History::default(), "an old id begins anew");
    assert_eq!(store.settle_one(&claim, reschedule(Duration::ZERO)).await, Settled::Done, "its claim stands");
    assert_eq!(store.promote(5).await.moved, 1, "it is promoted");
    let claims = store.claim(&ann, 5).await;
    assert_eq!(ids(&claims), ["pending"], "it is claimed again");
    assert_eq!(store.beat(&ann).await, Lease::Held, "under a lease");
    assert_eq!(store.rescue(&rescue_after(Duration::ZERO)).await.rescued.len(), 1, "which is watched");
}

async fn a_flush_is_of_one_queue(store: &Store) {
    let other = queue("other");
    store.put(&["a"]).await;
    let _new = store.backend().enqueue(&other, &[run("a")]).await.expect("it is enqueued");

    store.backend().flush(&other).await.expect("a queue is flushed");

    assert_eq!(store.list(List::Waiting).await, ["a"], "the others keep their runs");
}

async fn pruning_keeps_the_newest_dead(store: &Store) {
    bury(store, &["c", "a", "e", "b", "d"]).await;

    let pruned = prune(store, 3, HOUR, 100).await;

    assert_eq!(pruned, 2, "all beyond the number to keep");
    assert_eq!(store.list(List::Dead).await, ["e", "b", "d"], "the oldest go first");
    assert_eq!(store.find("c").await, None, "and are gone");
    assert_eq!(prune(store, 3, HOUR, 100).await, 0, "then there is nothing to do");
    assert_eq!(prune(store, usize::MAX, Duration::MAX, usize::MAX).await, 0, "nor with the widest limits");
    assert_eq!(store.enqueue(&[run("c")]).await, [Enqueued::New(run_id("c"))], "a pruned id is free again");
}

async fn pruning_removes_what_is_dead_for_too_long(store: &Store) {
    let age = Duration::from_secs(1);
    bury(store, &["a", "b"]).await;
    store.pass(age).await;
    bury(store, &["c"]).await;

    let pruned = prune(store, 100, age, 100).await;

    assert_eq!(pruned, 2, "two are older");
    assert_eq!(store.list(List::Dead).await, ["c"], "one is not");
}

async fn pruning_is_bounded(store: &Store) {
    let all = numbered(BATCH_LIMIT + 20);
    store.put_runs(&runs(&all)).await;
    let ann = Overseer::named("ann");
    for _ in 0..2 {
        let claims = store.claim(&ann, BATCH_LIMIT).await;
        store.settle(&settlements(&claims, &banish())).await;
    }

    assert_eq!(prune(store, 0, HOUR, 0).await, 0, "nothing was wanted");
    assert_eq!(prune(store, 10, HOUR, 5).await, 5, "no more than it is told");
    assert_eq!(prune(store, 0, HOUR, usize::MAX).await, BATCH_LIMIT, "and never more than a batch");
    assert_eq!(prune(store, 10, HOUR, 100).await, 5, "down to those to keep");
    assert_eq!(store.sizes().await.dead, 10, "which stay");
}

async fn what_is_dead_for_exactly_so_long_is_pruned(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;
    store.settle_one(&claim, banish()).await;
    if store.clock().is_none() {
        return;
    }
    store.pass(HOUR - Duration::from_millis(1)).await;
    assert_eq!(prune(store, 10, HOUR, 10).await, 0, "it is kept for so long");

    store.pass(Duration::from_millis(1)).await;

    assert_eq!(prune(store, 10, HOUR, 10).await, 1, "and no longer");
}

async fn pruning_touches_no_other_list(store: &Store) {
    let claim = one_in_each_list(store).await;
    store.pass(Duration::from_millis(20)).await;

    let pruned = prune(store, 0, Duration::from_millis(1), 100).await;

    assert_eq!(pruned, 1, "there is one dead run");
    for list in [List::Waiting, List::Pending, List::Scheduled] {
        assert_eq!(store.list(list).await, [list.to_string()], "{list} is as it was");
    }
    assert_eq!(store.settle_one(&claim, Fate::Forget).await, Settled::Done, "also the claim");
}
