//! Runs that nobody wants any more: gone at once, or marked until whoever performs them lets go.

use std::time::Duration;

use mosquito::RunId;
use mosquito::backend::{BATCH_LIMIT, Cancelled, Fate, List, Rescue, Settled};

use crate::making::{
    HOUR, Overseer, banish, every_fate, numbered, queue, reschedule, rescue_after, run, run_id, run_in, runs,
    settlements,
};
use crate::store::Store;

facts! {
    what_waits_or_is_scheduled_is_gone_when_it_is_cancelled,
    what_is_pending_is_marked_and_its_overseer_is_named,
    what_is_dead_stays_and_what_is_unknown_is_told,
    runs_cancelled_together_are_answered_in_the_order_given,
    a_marked_run_is_gone_whatever_it_is_settled_with,
    the_neighbours_of_a_marked_run_go_where_their_fates_say,
    a_marked_run_of_a_dead_overseer_is_gone_and_told_as_such,
    a_marked_run_that_is_recalled_is_gone,
    a_marked_run_counts_for_the_bound_of_a_rescue,
    a_mark_goes_with_its_run,
    marks_are_told_to_their_overseer_and_of_their_queue,
    a_cancelled_id_can_be_enqueued_again,
    more_than_a_batch_is_cancelled_in_several_moves,
    runs_deep_in_a_long_list_are_cancelled_too,
    who_listens_hears_a_word_from_elsewhere,
    a_word_before_anybody_listens_is_not_lost,
    a_word_is_for_one_overseer_and_heard_once,
    to_cancel_what_is_pending_says_a_word;
    at_once:
    whoever_cancels_while_others_claim_and_settle_no_cancelled_run_comes_back,
}

/// Long enough for a word to arrive on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

/// Everybody is dead who is not to be believed without a beat.
const AT_ONCE: Duration = Duration::ZERO;

async fn cancel(store: &Store, ids: &[&str]) -> Vec<Cancelled> {
    let ids: Vec<_> = ids.iter().map(|id| run_id(id)).collect();
    store.backend().cancel(store.queue(), &ids).await.expect("it is answered")
}

async fn cancelled(store: &Store, overseer: &Overseer) -> Vec<String> {
    let ids = store.second().cancelled(store.queue(), &overseer.id).await.expect("it is answered");
    let mut ids: Vec<_> = ids.iter().map(RunId::to_string).collect();
    ids.sort();
    ids
}

async fn listen(store: &Store, overseer: &Overseer, timeout: Duration) -> bool {
    store.backend().listen(&overseer.id, timeout).await.expect("it is answered")
}

fn running(overseer: &Overseer) -> Cancelled {
    Cancelled::Running(overseer.id.clone())
}

async fn what_waits_or_is_scheduled_is_gone_when_it_is_cancelled(store: &Store) {
    store.put_runs(&[run("a"), run("b"), run("c"), run_in("later", HOUR)]).await;

    assert_eq!(cancel(store, &["b"]).await, [Cancelled::Removed]);
    assert_eq!(cancel(store, &["later"]).await, [Cancelled::Removed]);

    assert_eq!(store.list(List::Waiting).await, ["a", "c"], "the others stand as they stood");
    assert_eq!(store.sizes().await.total(), 2, "nothing is left of them");
    assert_eq!(store.find("b").await, None);
    assert_eq!(cancel(store, &["b", "later"]).await, [Cancelled::Unknown, Cancelled::Unknown], "once more");
}

async fn what_is_pending_is_marked_and_its_overseer_is_named(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    let before = store.everything().await;
    assert_eq!(cancelled(store, &ann).await, [""; 0], "nobody wants it gone yet");

    assert_eq!(cancel(store, &["a"]).await, [running(&ann)]);
    assert_eq!(cancel(store, &["a"]).await, [running(&ann)], "it is safe to repeat");

    assert_eq!(cancelled(store, &ann).await, ["a"]);
    assert_eq!(store.everything().await, before, "it stands where it stood");
}

async fn what_is_dead_stays_and_what_is_unknown_is_told(store: &Store) {
    let claim = store.claimed("dead", &Overseer::named("ann")).await;
    store.settle_one(&claim, banish()).await;

    assert_eq!(cancel(store, &["dead", "unknown"]).await, [Cancelled::Dead, Cancelled::Unknown]);
    assert_eq!(store.list(List::Dead).await, ["dead"], "for somebody to look at");
    let nowhere = store.backend().cancel(&queue("nowhere"), &[run_id("a")]).await.expect("it is answered");
    assert_eq!(nowhere, [Cancelled::Unknown], "nor is there one where nothing ever was");
    assert_eq!(cancel(store, &[]).await, [], "no run has no answer");
}

async fn runs_cancelled_together_are_answered_in_the_order_given(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("pending", &ann).await;
    store.put_runs(&[run("waiting"), run_in("scheduled", HOUR)]).await;

    let answers = cancel(store, &["unknown", "scheduled", "pending", "waiting", "waiting"]).await;

    let gone = Cancelled::Removed;
    assert_eq!(answers, [Cancelled::Unknown, gone.clone(), running(&ann), gone, Cancelled::Unknown]);
}

async fn a_marked_run_is_gone_whatever_it_is_settled_with(store: &Store) {
    let ann = Overseer::named("ann");
    for fate in every_fate() {
        let claim = store.claimed("a", &ann).await;
        cancel(store, &["a"]).await;

        assert_eq!(store.settle_one(&claim, fate.clone()).await, Settled::Done, "{fate}: its claim stood");

        assert_eq!(store.find("a").await, None, "{fate}: it is gone");
        assert_eq!(store.sizes().await.total(), 0, "{fate}: from all lists");
        assert_eq!(cancelled(store, &ann).await, [""; 0], "{fate}: and its mark with it");
        assert_eq!(store.settle_one(&claim, fate.clone()).await, Settled::Stale, "{fate}: once");
    }
}

async fn the_neighbours_of_a_marked_run_go_where_their_fates_say(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c"]).await;
    let claims = store.claim(&ann, 3).await;
    cancel(store, &["b"]).await;

    let settled = store.settle(&settlements(&claims, &Fate::HandBack)).await;

    assert_eq!(settled, [Settled::Done; 3]);
    assert_eq!(store.list(List::Waiting).await, ["a", "c"], "in their order");
}

async fn a_marked_run_of_a_dead_overseer_is_gone_and_told_as_such(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c"]).await;
    store.claim(&ann, 3).await;
    cancel(store, &["b"]).await;

    let rescued = store.rescue(&rescue_after(AT_ONCE)).await;

    assert_eq!(rescued.cancelled, [run_id("b")]);
    assert_eq!((rescued.rescued.len(), rescued.poisoned.len(), rescued.more), (2, 0, false));
    assert_eq!(store.list(List::Waiting).await, ["a", "c"], "the others come back");
    assert_eq!(store.find("b").await, None, "and nobody performs it again");
    assert_eq!(cancelled(store, &ann).await, [""; 0]);
}

async fn a_marked_run_that_is_recalled_is_gone(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b"]).await;
    store.claim(&ann, 2).await;
    cancel(store, &["a"]).await;

    assert_eq!(store.recall(&ann.ticket()).await, ["b"], "what is handed back");

    assert_eq!(store.list(List::Waiting).await, ["b"]);
    assert_eq!(store.sizes().await.total(), 1, "the other one is gone");
    assert_eq!(cancelled(store, &ann).await, [""; 0]);
}

async fn a_marked_run_counts_for_the_bound_of_a_rescue(store: &Store) {
    let ann = Overseer::named("ann");
    let all = numbered(5);
    store.put_runs(&runs(&all)).await;
    store.claim(&ann, 5).await;
    cancel(store, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rescue = Rescue { at_most: 3, ..rescue_after(AT_ONCE) };

    let (first, second) = (store.rescue(&rescue).await, store.rescue(&rescue).await);

    assert_eq!((first.total(), first.more), (3, true), "no more than it is told");
    assert_eq!((second.total(), second.cancelled.len(), second.more), (2, 2, false));
    assert_eq!(store.sizes().await.total(), 0);
}

async fn a_mark_goes_with_its_run(store: &Store) {
    let ann = Overseer::named("ann");
    for (way, flush) in [("deleted", false), ("flushed", true)] {
        store.claimed("a", &ann).await;
        cancel(store, &["a"]).await;
        match flush {
            true => store.backend().flush(store.queue()).await.expect("it is answered"),
            false => assert!(store.delete("a").await, "there was one"),
        }

        assert_eq!(cancelled(store, &ann).await, [""; 0], "{way}");
        let claim = store.claimed("a", &ann).await;
        assert_eq!(store.settle_one(&claim, reschedule(HOUR)).await, Settled::Done);
        assert_eq!(
            store.place("a").await,
            Some(List::Scheduled),
            "{way}: the next run of that id is another one"
        );
        assert!(store.delete("a").await);
    }
}

async fn marks_are_told_to_their_overseer_and_of_their_queue(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.put(&["a", "b", "c"]).await;
    store.claim(&ann, 1).await;
    store.claim(&bob, 2).await;

    let answers = cancel(store, &["a", "c"]).await;

    assert_eq!(answers, [running(&ann), running(&bob)]);
    assert_eq!(
        (cancelled(store, &ann).await, cancelled(store, &bob).await),
        (vec!["a".into()], vec!["c".into()])
    );
    let elsewhere = store.backend().cancelled(&queue("elsewhere"), &ann.id).await.expect("it is answered");
    assert!(elsewhere.is_empty(), "in another queue it has none");
}

async fn a_cancelled_id_can_be_enqueued_again(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a"]).await;
    cancel(store, &["a"]).await;
    let claim = store.claimed("a", &ann).await;
    cancel(store, &["a"]).await;
    assert!(!store.enqueue(&[run("a")]).await[0].is_new(), "while it is pending it is there");
    store.settle_one(&claim, Fate::Forget).await;

    let claim = store.claimed("a", &ann).await;
    store.settle_one(&claim, Fate::HandBack).await;

    assert_eq!(store.list(List::Waiting).await, ["a"], "nobody cancelled this one");
}

async fn more_than_a_batch_is_cancelled_in_several_moves(store: &Store) {
    let ann = Overseer::named("ann");
    let all = numbered(2 * BATCH_LIMIT + 5);
    store.put_runs(&runs(&all)).await;
    store.claim(&ann, 7).await;

    let answers = cancel(store, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;

    assert!(answers[..7].iter().all(|answer| *answer == running(&ann)), "the first are pending");
    assert!(answers[7..].iter().all(|answer| *answer == Cancelled::Removed), "the others are gone");
    assert_eq!(answers.len(), all.len());
    assert_eq!((store.sizes().await.total(), cancelled(store, &ann).await.len()), (7, 7));
}

async fn runs_deep_in_a_long_list_are_cancelled_too(store: &Store) {
    let mut all = numbered(9_000);
    store.put_runs(&runs(&all)).await;
    let deep = ["run-0000", "run-2499", "run-2500", "run-5001", "run-7600", "run-8999"];

    assert_eq!(cancel(store, &deep).await, vec![Cancelled::Removed; deep.len()]);

    all.retain(|id| !deep.contains(&id.as_str()));
    assert_eq!(store.list(List::Waiting).await, all, "the others stand as they stood");
    assert_eq!(store.sizes().await.waiting, all.len(), "and they are what is counted");
}

async fn who_listens_hears_a_word_from_elsewhere(store: &Store) {
    let ann = Overseer::named("ann");

    let call = async {
        tokio::time::sleep(SHORT).await;
        store.second().call(&ann.id).await.expect("it is answered");
    };
    let (heard, ()) = tokio::join!(listen(store, &ann, PATIENCE), call);

    assert!(heard);
}

async fn a_word_before_anybody_listens_is_not_lost(store: &Store) {
    let ann = Overseer::named("ann");
    store.backend().call(&ann.id).await.expect("it is answered");
    store.backend().call(&ann.id).await.expect("it is answered");

    assert!(listen(store, &ann, PATIENCE).await, "it was kept");
    assert!(!listen(store, &ann, SHORT).await, "two words that nobody heard are one");
}

async fn a_word_is_for_one_overseer_and_heard_once(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.backend().call(&ann.id).await.expect("it is answered");

    assert!(!listen(store, &bob, SHORT).await, "it is not for this one");
    assert!(listen(store, &ann, PATIENCE).await);
    assert!(!listen(store, &ann, SHORT).await, "heard already");
}

async fn to_cancel_what_is_pending_says_a_word(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    store.put(&["b"]).await;
    cancel(store, &["b"]).await;
    assert!(!listen(store, &ann, SHORT).await, "it has nothing to do with it");

    let cancel = async {
        tokio::time::sleep(SHORT).await;
        store.second().cancel(store.queue(), &[run_id("a")]).await.expect("it is answered");
    };
    let (heard, ()) = tokio::join!(listen(store, &ann, PATIENCE), cancel);

    assert!(heard, "and then the mark is there");
    assert_eq!(cancelled(store, &ann).await, ["a"]);
}

async fn whoever_cancels_while_others_claim_and_settle_no_cancelled_run_comes_back(store: &Store) {
    let all = numbered(600);
    store.put_runs(&runs(&all)).await;
    let work = |name: &'static str| {
        let (backend, mail) = (store.second().clone(), store.queue().clone());
        tokio::spawn(async move {
            let worker = Overseer::named(name);
            // Handed back again and again, so that runs are everywhere.
            for _ in 0..60 {
                let claims = backend.claim(&mail, &worker.ticket(), 5).await.expect("it is answered").runs;
                let batch = settlements(&claims, &Fate::HandBack);
                let settled = backend.settle(&mail, &batch).await.expect("it is answered");
                assert!(settled.iter().all(|answer| *answer == Settled::Done), "nobody takes them away");
                tokio::task::yield_now().await;
            }
        })
    };
    let workers = ["ann", "bob"].map(work);
    let cancel = {
        let (backend, mail) = (store.backend().clone(), store.queue().clone());
        let ids: Vec<_> = all.iter().map(|id| run_id(id)).collect();
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for ids in ids.chunks(20) {
                answers.extend(backend.cancel(&mail, ids).await.expect("it is answered"));
                tokio::task::yield_now().await;
            }
            answers
        })
    };

    let answers = cancel.await.expect("it does not panic");
    for worker in workers {
        worker.await.expect("it does not panic");
    }

    let found = answers.iter().all(|answer| matches!(answer, Cancelled::Removed | Cancelled::Running(_)));
    assert!(found, "wherever they were, they were found: {answers:?}");
    assert_eq!(store.sizes().await.total(), 0, "and none has come back");
}
