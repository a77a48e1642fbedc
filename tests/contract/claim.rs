//! From `waiting` to `pending`.

use std::collections::HashSet;
use std::time::Duration;

use mosquito::History;
use mosquito::backend::{BATCH_LIMIT, Fate, Lease, List, Settled};

use crate::making::{HOUR, Overseer, failed, ids, numbered, queue, reschedule, runs, settlements, tokens};
use crate::store::Store;

facts! {
    a_claim_takes_from_the_front_and_at_most_what_it_is_told,
    a_claim_never_takes_more_than_a_batch,
    there_may_be_less_to_claim_or_nothing,
    a_claimed_run_stands_in_pending_with_its_overseer_and_time,
    a_claim_hands_out_the_history_of_earlier_attempts,
    a_repeated_ticket_answers_the_same_claims_and_takes_nothing_more,
    a_repeated_ticket_answers_only_what_is_still_pending,
    a_later_ticket_is_known_again_as_the_first_is,
    tickets_of_one_number_are_of_one_overseer_and_one_queue,
    a_ticket_that_was_long_on_its_way_takes_nothing,
    the_ticket_that_made_a_lease_is_told_so_each_time,
    tickets_are_told_apart_however_large_their_numbers,
    no_two_claims_have_the_same_token,
    a_claim_that_gets_runs_takes_a_lease_and_one_that_does_not_takes_none,
    a_claim_tells_the_backends_time,
    each_handle_sees_what_the_other_claimed,
    a_ticket_that_was_asked_for_nothing_is_spent,
}

async fn a_claim_takes_from_the_front_and_at_most_what_it_is_told(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["c", "a", "d", "b"]).await;

    let claims = store.claim(&ann, 3).await;

    assert_eq!(ids(&claims), ["c", "a", "d"], "the first three, in their order");
    assert_eq!(store.list(List::Waiting).await, ["b"], "the rest waits on");
    assert_eq!(store.list(List::Pending).await, ["c", "a", "d"], "what was claimed is pending");
    assert_eq!(ids(&store.claim(&ann, 3).await), ["b"], "the next claim goes on from there");
}

async fn a_claim_never_takes_more_than_a_batch(store: &Store) {
    let all = numbered(BATCH_LIMIT + 5);
    store.put_runs(&runs(&all)).await;

    let claims = store.claim(&Overseer::named("ann"), usize::MAX).await;

    assert_eq!(ids(&claims), all[..BATCH_LIMIT], "whatever it is told");
    assert_eq!(store.sizes().await.waiting, 5, "the rest waits on");
}

async fn there_may_be_less_to_claim_or_nothing(store: &Store) {
    let ann = Overseer::named("ann");
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "there is nothing yet");

    store.put(&["a", "b"]).await;

    assert_eq!(store.claim(&ann, 0).await.len(), 0, "nothing was wanted");
    assert_eq!(ids(&store.claim(&ann, 5).await), ["a", "b"], "there is no more");
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "there is nothing left");
}

async fn a_claimed_run_stands_in_pending_with_its_overseer_and_time(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a"]).await;
    let before = store.find("a").await.expect("it waits");
    assert_eq!(
        (before.list, before.at, before.overseer),
        (List::Waiting, None, None),
        "it waits, for nobody"
    );
    store.pass(Duration::from_millis(5)).await;

    let claimed = store.claim_with(&ann.ticket(), 1).await;

    let pending = store.find("a").await.expect("it is pending");
    assert_eq!(pending.list, List::Pending, "a claim moves it");
    assert_eq!(pending.overseer.as_ref(), Some(&ann.id), "it tells who claimed it");
    assert_eq!(pending.at, Some(claimed.now), "and when");
    assert_eq!(pending.history, History::default(), "an attempt under way is not history yet");
    assert_eq!(pending.envelope, before.envelope, "its envelope never changes");
    assert_eq!(claimed.runs[0].envelope, before.envelope, "and is what the overseer gets");
}

async fn a_claim_hands_out_the_history_of_earlier_attempts(store: &Store) {
    let ann = Overseer::named("ann");
    let first = store.claimed("a", &ann).await;
    assert_eq!(first.history, History::default(), "a new run has none");
    store.settle_one(&first, reschedule(Duration::ZERO)).await;
    store.promote(1).await;

    let second = store.claim(&ann, 1).await;

    assert_eq!(second[0].history, failed(1), "it is what the settlement said");
}

async fn a_repeated_ticket_answers_the_same_claims_and_takes_nothing_more(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let ticket = ann.ticket();
    store.put(&["a", "b", "c", "d", "e"]).await;
    let first = store.claim_with(&ticket, 2).await.runs;
    let _others = store.claim(&bob, 1).await;

    let again = store.claim_with(&ticket, 5).await.runs;
    let elsewhere = store.second().claim(store.queue(), &ticket, 5).await.expect("it is answered").runs;

    for repeated in [&again, &elsewhere] {
        assert_eq!(ids(repeated), ["a", "b"], "the same runs, in the same order");
        assert_eq!(tokens(repeated), tokens(&first), "in the same claims");
        assert_eq!(repeated[0].envelope, first[0].envelope, "with the same envelopes");
    }
    assert_eq!(store.list(List::Waiting).await, ["d", "e"], "nothing more is taken");
    let settled = store.settle(&settlements(&again, &Fate::Forget)).await;
    assert_eq!(settled, [Settled::Done; 2], "the claims that were answered twice stand, once");
}

async fn a_later_ticket_is_known_again_as_the_first_is(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d"]).await;
    let (first, between, second) = (ann.ticket(), ann.ticket(), ann.ticket());
    store.claim_with(&first, 1).await;
    store.claim_with(&second, 1).await;

    let again = store.claim_with(&second, 5).await.runs;
    let late = store.claim_with(&between, 5).await.runs;

    assert_eq!(ids(&again), ["b"], "what it got, and nothing more");
    assert_eq!(ids(&late), Vec::<&str>::new(), "and one before it gets nothing any more");
    assert_eq!(store.list(List::Waiting).await, ["c", "d"], "the others wait on");
}

async fn tickets_of_one_number_are_of_one_overseer_and_one_queue(store: &Store) {
    // Every overseer counts from one.
    let [ann, bob] = ["ann", "bob"].map(|name| Overseer::named(name).numbered_ticket(1));
    let other = queue("other");
    store.put(&["a", "b", "c"]).await;
    let _new = store.backend().enqueue(&other, &runs(&numbered(2))).await.expect("it is enqueued");
    store.claim_with(&ann, 1).await;
    store.claim_with(&bob, 1).await;
    store.backend().claim(&other, &ann, 1).await.expect("it is answered");

    let [of_ann, of_bob] = [store.claim_with(&ann, 5).await.runs, store.claim_with(&bob, 5).await.runs];
    let elsewhere = store.backend().claim(&other, &ann, 5).await.expect("it is answered").runs;

    assert_eq!((ids(&of_ann), ids(&of_bob)), (vec!["a"], vec!["b"]), "each has its own");
    assert_eq!(ids(&elsewhere), ["run-0000"], "and another in the other queue");
}

async fn a_ticket_that_was_long_on_its_way_takes_nothing(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d"]).await;
    let (early, first, second) = (ann.ticket(), ann.ticket(), ann.ticket());
    let claims = store.claim_with(&first, 1).await.runs;
    store.settle(&settlements(&claims, &Fate::Forget)).await;

    // A first try of a call that was repeated arrives after all that came of it is done.
    let late = store.claim_with(&first, 1).await;
    let earlier = store.claim_with(&early, 1).await;

    assert!(late.runs.is_empty(), "nobody knows of what it would take");
    assert!(earlier.runs.is_empty(), "nor of what an older one would");
    assert_eq!(store.sizes().await.waiting, 3, "everything waits on");
    assert_eq!(ids(&store.claim_with(&second, 1).await.runs), ["b"], "the next one goes on");
}

async fn the_ticket_that_made_a_lease_is_told_so_each_time(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b"]).await;
    let (first, second) = (ann.ticket(), ann.ticket());

    let answers = [
        store.claim_with(&first, 1).await.lease,
        // Its answer may have been lost, and with it that what was claimed before is somebody else's.
        store.claim_with(&first, 1).await.lease,
        store.claim_with(&second, 1).await.lease,
        store.claim_with(&first, 1).await.lease,
        store.claim_with(&second, 1).await.lease,
    ];

    assert_eq!(answers, [Lease::New, Lease::New, Lease::Held, Lease::New, Lease::Held]);
}

async fn a_repeated_ticket_answers_only_what_is_still_pending(store: &Store) {
    let ann = Overseer::named("ann");
    let ticket = ann.ticket();
    store.put(&["a", "b", "c", "d", "e", "f"]).await;
    let first = store.claim_with(&ticket, 5).await.runs;
    store.settle_one(&first[0], Fate::Forget).await;
    store.settle_one(&first[2], Fate::HandBack).await;
    store.delete("d").await;

    let again = store.claim_with(&ticket, 5).await.runs;

    assert_eq!(ids(&again), ["b", "e"], "what is settled or deleted is not answered");
    assert_eq!(
        tokens(&again),
        tokens(&[first[1].clone(), first[4].clone()]),
        "the others' claims are the same"
    );
    assert_eq!(store.list(List::Waiting).await, ["c", "f"], "and nothing more is taken");
}

async fn a_ticket_that_was_asked_for_nothing_is_spent(store: &Store) {
    let (ann, late) = (Overseer::named("ann"), Overseer::named("ann").ticket());
    store.put(&["a"]).await;

    let asked = store.claim_with(&late, 0).await;
    let arrived = store.claim_with(&late, 5).await;

    assert_eq!((asked.runs.len(), asked.lease), (0, Lease::New), "it had got nothing");
    assert_eq!(arrived.runs.len(), 0, "and the call that was long on its way gets nothing any more");
    assert_eq!(store.place("a").await, Some(List::Waiting));
    let next = store.claim_with(&ann.ticket(), 5).await;
    assert_eq!((ids(&next.runs), next.lease), (vec!["a"], Lease::Held), "the next ticket does");
}

async fn tickets_are_told_apart_however_large_their_numbers(store: &Store) {
    let ann = Overseer::named("ann");
    let numbers = [0, 1, 10, (1 << 53), (1 << 53) + 1, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
    let all = numbered(numbers.len());
    store.put_runs(&runs(&all)).await;
    for (number, id) in numbers.into_iter().zip(&all) {
        let claims = store.claim_with(&ann.numbered_ticket(number), 1).await.runs;
        assert_eq!(ids(&claims), [id], "ticket {number} is a new one");
    }

    for (number, id) in numbers.into_iter().zip(&all) {
        let again = store.claim_with(&ann.numbered_ticket(number), 1).await.runs;

        assert_eq!(ids(&again), [id], "ticket {number} is known by its number");
    }
}

async fn no_two_claims_have_the_same_token(store: &Store) {
    let overseers = ["ann", "bob"].map(Overseer::named);
    let all = numbered(10);
    store.put_runs(&runs(&all)).await;
    let mut seen = HashSet::new();

    // Each round claims the same ten runs again, in four claims.
    for round in 0..5 {
        let mut claims = Vec::new();
        for overseer in overseers.iter().cycle().take(4) {
            claims.extend(store.claim(overseer, 3).await);
        }
        assert_eq!(claims.len(), all.len(), "round {round} claims them all");
        for claim in &claims {
            assert!(seen.insert((claim.id.clone(), claim.token.clone())), "{claim:?} has a token of its own");
        }
        store.settle(&settlements(&claims, &Fate::HandBack)).await;
    }
}

async fn a_claim_that_gets_runs_takes_a_lease_and_one_that_does_not_takes_none(store: &Store) {
    let ann = Overseer::named("ann");
    let lease = async || store.claim_with(&ann.ticket(), 1).await.lease;
    assert_eq!(lease().await, Lease::New, "it had none");
    assert_eq!(lease().await, Lease::New, "it got nothing and has none");
    assert_eq!(store.beat(&ann).await, Lease::Lost, "there is none to renew");

    store.put(&["a"]).await;

    assert_eq!(lease().await, Lease::New, "the lease is told as it was when the call came");
    assert_eq!(lease().await, Lease::Held, "it was taken with the runs");
    assert_eq!(store.beat(&ann).await, Lease::Held, "and can be renewed");
    let bob = Overseer::named("bob");
    assert_eq!(store.claim_with(&bob.ticket(), 1).await.lease, Lease::New, "one overseer's is not another's");
}

async fn a_claim_tells_the_backends_time(store: &Store) {
    let (ann, step) = (Overseer::named("ann"), Duration::from_millis(100));
    let before = store.claim_with(&ann.ticket(), 1).await.now;

    store.pass(step).await;

    let passed = store.claim_with(&ann.ticket(), 1).await.now - before;
    assert!(passed.to_std().is_ok_and(|passed| step <= passed && passed < HOUR), "{passed} passed");
}

async fn each_handle_sees_what_the_other_claimed(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b"]).await;

    let here = store.claim(&ann, 1).await;
    let there = store.second().claim(store.queue(), &ann.ticket(), 1).await.expect("it is answered").runs;

    assert_eq!((ids(&here), ids(&there)), (vec!["a"], vec!["b"]), "they claim from one queue");
    let settled = store.second().settle(store.queue(), &settlements(&here, &Fate::Forget)).await;
    assert_eq!(settled.expect("it is answered"), [Settled::Done], "a claim is not bound to a connection");
    assert_eq!(store.list(List::Pending).await, ["b"], "and what one settles the other sees");
}
