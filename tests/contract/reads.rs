//! What an operator sees.

use std::time::Duration;

use mosquito::backend::{BATCH_LIMIT, Enqueued, List, Paused, Promoted, Rescued, Settled, Sizes};

use crate::making::{
    HOUR, Overseer, banish, every_fate, numbered, queue, reschedule, rescue_after, run, run_id, run_in, runs,
    settlement, settlements, stored_ids,
};
use crate::store::Store;

facts! {
    sizes_count_each_list,
    a_page_shows_a_part_of_its_list,
    a_page_is_never_more_than_a_batch,
    each_list_is_shown_in_its_order,
    a_run_is_found_wherever_it_stands,
    looking_changes_nothing,
    an_unknown_queue_is_an_empty_one,
    the_queues_that_were_used_are_listed_by_name,
    a_separate_handle_is_on_the_same_store,
}

async fn sizes_count_each_list(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e", "f", "g"]).await;
    let claims = store.claim(&ann, 5).await;
    store.settle(&settlements(&claims[..3], &banish())).await;
    store.put_runs(&[run_in("later", HOUR)]).await;

    let sizes = store.sizes().await;

    assert_eq!(sizes, Sizes { waiting: 2, pending: 2, scheduled: 1, dead: 3 }, "each list by itself");
    assert_eq!(sizes.total(), 8, "and all of them");
}

async fn a_page_shows_a_part_of_its_list(store: &Store) {
    let all = numbered(10);
    store.put_runs(&runs(&all)).await;
    assert_pages(store, List::Waiting, &all).await;

    let claims = store.claim(&Overseer::named("ann"), 10).await;
    assert_pages(store, List::Pending, &all).await;

    store.settle(&settlements(&claims, &banish())).await;
    assert_pages(store, List::Dead, &all).await;

    let later: Vec<_> = all.iter().zip(1..).map(|(id, n)| run_in(&format!("later-{id}"), HOUR * n)).collect();
    store.put_runs(&later).await;
    let later: Vec<_> = later.iter().map(|run| run.id.to_string()).collect();
    assert_pages(store, List::Scheduled, &later).await;
}

async fn assert_pages(store: &Store, list: List, all: &[String]) {
    for (offset, at_most) in [(0, 3), (3, 3), (9, 3), (10, 3), (0, 0), (0, 100), (4, 1), (1_000, 1)] {
        let page = store.page(list, offset, at_most).await;

        let (from, to) = (offset.min(all.len()), (offset + at_most).min(all.len()));
        let expected: Vec<_> = all[from..to].iter().map(String::as_str).collect();
        assert_eq!(stored_ids(&page), expected, "{at_most} of {list} from {offset} on");
    }
    let beyond = store.page(list, usize::MAX, usize::MAX).await;
    assert_eq!(beyond, [], "beyond the end of {list} is nothing");
}

async fn a_page_is_never_more_than_a_batch(store: &Store) {
    let all = numbered(BATCH_LIMIT + 5);
    store.put_runs(&runs(&all)).await;

    let page = store.page(List::Waiting, 1, usize::MAX).await;

    assert_eq!(stored_ids(&page), all[1..=BATCH_LIMIT], "whatever it is told");
}

async fn each_list_is_shown_in_its_order(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.put(&["z", "y", "x", "w", "v", "u", "t"]).await;
    let first = store.claim(&bob, 2).await;
    store.claim(&ann, 2).await;
    store.claim(&bob, 1).await;
    assert_eq!(store.list(List::Waiting).await, ["u", "t"], "waiting: as they will be claimed");
    assert_eq!(store.list(List::Pending).await, ["x", "w", "z", "y", "v"], "pending: by overseer and claim");

    for claim in first.iter().rev() {
        store.settle_one(claim, banish()).await;
        store.pass(Duration::from_millis(5)).await;
    }
    store.put_runs(&[run_in("a", HOUR * 3), run_in("c", HOUR), run_in("b", HOUR * 2)]).await;

    assert_eq!(store.list(List::Dead).await, ["y", "z"], "dead: by time of death");
    assert_eq!(store.list(List::Scheduled).await, ["c", "b", "a"], "scheduled: by due time");
}

async fn a_run_is_found_wherever_it_stands(store: &Store) {
    let ann = Overseer::named("ann");
    assert_eq!(store.find("a").await, None, "there is none yet");

    store.put(&["a"]).await;
    assert_eq!(store.place("a").await, Some(List::Waiting), "it was enqueued");
    let claim = store.claim(&ann, 1).await.remove(0);
    assert_eq!(store.place("a").await, Some(List::Pending), "it was claimed");
    store.settle_one(&claim, reschedule(Duration::ZERO)).await;
    assert_eq!(store.place("a").await, Some(List::Scheduled), "it was rescheduled");
    store.promote(1).await;
    let claim = store.claim(&ann, 1).await.remove(0);
    store.settle_one(&claim, banish()).await;
    assert_eq!(store.place("a").await, Some(List::Dead), "it was banished");

    let elsewhere = store.backend().find(&queue("other"), &run_id("a")).await.expect("it is looked up");
    assert_eq!(elsewhere, None, "another queue knows nothing of it");
}

async fn looking_changes_nothing(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b"]).await;
    let claim = store.claim(&ann, 1).await.remove(0);
    let before = store.everything().await;

    for _ in 0..3 {
        store.find("a").await;
        store.sizes().await;
        store.page(List::Pending, 0, 5).await;
    }

    assert_eq!(store.everything().await, before, "nothing moved");
    assert_eq!(store.settle_one(&claim, banish()).await, Settled::Done, "the claim stands");
}

async fn an_unknown_queue_is_an_empty_one(store: &Store) {
    let (backend, nowhere, ann) = (store.backend(), queue("nowhere"), Overseer::named("ann"));
    let claim = store.claimed("a", &ann).await;

    for list in List::ALL {
        let page = backend.page(&nowhere, list, 0, 10).await.expect("a page is read");
        assert_eq!(page, [], "{list} is empty");
    }
    assert_eq!(backend.sizes(&nowhere).await.expect("sizes are told"), Sizes::default(), "all of them");
    let nothing: Option<Paused> = backend.paused(&(&nowhere).into()).await.expect("a pause is told");
    assert_eq!(nothing, None, "it is not paused");
    let promoted = backend.promote(&nowhere, 10).await.expect("a promotion is answered");
    assert_eq!(promoted, Promoted { moved: 0, woken: 0, next_due: None }, "nothing is scheduled");
    let rescued = backend.rescue(&nowhere, &rescue_after(Duration::ZERO)).await.expect("it is answered");
    assert_eq!(rescued, Rescued::default(), "nobody holds a lease");
    for fate in every_fate() {
        let settled = backend.settle(&nowhere, &[settlement(&claim, fate)]).await.expect("it is answered");
        assert_eq!(settled, [Settled::Stale], "no claim stands");
    }
    assert!(!backend.delete(&nowhere, &run_id("a")).await.expect("it is answered"), "there is no run");
    backend.flush(&nowhere).await.expect("there is nothing to empty");
    backend.resume(&(&nowhere).into()).await.expect("there is nothing to resume");
    let pruned = backend.prune(&nowhere, 0, Duration::ZERO, 10).await.expect("it is answered");
    assert_eq!(pruned, 0, "there are no dead");
    let claimed = backend.claim(&nowhere, &ann.ticket(), 5).await.expect("a claim is answered");
    assert_eq!(claimed.runs.len(), 0, "there is nothing to claim");
}

async fn the_queues_that_were_used_are_listed_by_name(store: &Store) {
    let backend = store.backend();
    assert_eq!(backend.queues().await.expect("queues are listed"), [], "none was used");

    for name in ["mail", "bulk", "a:b", "Zebra"] {
        let answers = backend.enqueue(&queue(name), &[run("a")]).await.expect("it is enqueued");
        assert!(answers[0].is_new(), "{name} is used");
    }
    let answers = backend.enqueue(&queue("empty"), &[]).await.expect("it is answered");
    let asked = backend.sizes(&queue("asked")).await.expect("sizes are told");

    let expected = ["Zebra", "a:b", "bulk", "mail"].map(queue);
    assert_eq!(
        store.second().queues().await.expect("queues are listed"),
        expected,
        "in the order of their names"
    );
    assert_eq!((answers, asked), (vec![], Sizes::default()), "what only was asked about is not used");
    backend.flush(&queue("bulk")).await.expect("it is flushed");
    assert_eq!(
        backend.queues().await.expect("queues are listed"),
        expected,
        "a queue that is empty was used"
    );
}

async fn a_separate_handle_is_on_the_same_store(store: &Store) {
    let handle = store.backend().separate().await.expect("a separate handle can be had");

    let answers = handle.enqueue(store.queue(), &[run("a")]).await.expect("it is enqueued");

    assert_eq!(answers, [Enqueued::New(run_id("a"))], "it works as any other");
    assert_eq!(store.list(List::Waiting).await, ["a"], "and what it does is seen");
    let claimed = handle.claim(store.queue(), &Overseer::named("ann").ticket(), 5).await;
    assert_eq!(claimed.expect("a claim is answered").runs.len(), 1, "from either side");
}
