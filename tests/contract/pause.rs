//! A paused queue hands out nothing, and goes on otherwise.

use std::time::Duration;

use mosquito::backend::{Fate, List, Paused, Settled};

use crate::making::{HOUR, Overseer, ids, queue, reschedule, rescue_after, run, settlements};
use crate::store::Store;

facts! {
    a_queue_paused_before_its_first_run_is_listed_with_it,
    a_paused_queue_hands_out_nothing_until_it_resumes,
    a_pause_with_a_duration_ends_by_itself,
    a_pause_for_no_time_is_none,
    a_second_pause_replaces_the_first,
    a_pause_stops_nothing_but_claims,
    a_repeated_ticket_is_answered_during_a_pause,
    the_longest_pause_is_no_error,
    a_queue_may_be_paused_before_it_is_used,
}

async fn pause(store: &Store, duration: Option<Duration>) {
    store.backend().pause(store.queue(), duration).await.expect("a queue is paused");
}

async fn resume(store: &Store) {
    store.backend().resume(store.queue()).await.expect("a queue is resumed");
}

async fn paused(store: &Store) -> Option<Paused> {
    store.second().paused(store.queue()).await.expect("a pause is told")
}

async fn a_paused_queue_hands_out_nothing_until_it_resumes(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a"]).await;
    assert_eq!(paused(store).await, None, "it begins unpaused");

    pause(store, None).await;

    assert_eq!(paused(store).await, Some(Paused { until: None }), "until it is resumed");
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "nothing is handed out");
    let elsewhere = store.second().claim(store.queue(), &ann.ticket(), 5).await.expect("it is answered");
    assert_eq!(elsewhere.runs.len(), 0, "to nobody");
    resume(store).await;
    assert_eq!(paused(store).await, None, "it is over");
    assert_eq!(ids(&store.claim(&ann, 5).await), ["a"], "and runs are handed out");
    resume(store).await;
    assert_eq!(paused(store).await, None, "to resume what is not paused changes nothing");
}

async fn a_pause_with_a_duration_ends_by_itself(store: &Store) {
    let (ann, duration) = (Overseer::named("ann"), Duration::from_millis(500));
    store.put(&["a"]).await;
    let before = store.now().await;

    pause(store, Some(duration)).await;

    let after = store.now().await;
    let until = paused(store).await.expect("it is paused").until.expect("for a time");
    assert!(before + duration <= until && until <= after + duration, "{until} is the duration from now");
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "until then nothing is handed out");
    store.pass(duration).await;
    assert_eq!(ids(&store.claim(&ann, 5).await), ["a"], "then it is");
    assert_eq!(paused(store).await, None, "and no pause is told any more");
}

async fn a_pause_for_no_time_is_none(store: &Store) {
    store.put(&["a"]).await;
    pause(store, None).await;

    pause(store, Some(Duration::ZERO)).await;

    assert_eq!(paused(store).await, None, "it is over as it begins, as is the one that it replaces");
    assert_eq!(ids(&store.claim(&Overseer::named("ann"), 5).await), ["a"]);
}

async fn a_second_pause_replaces_the_first(store: &Store) {
    let short = Duration::from_millis(50);
    pause(store, Some(short)).await;
    pause(store, None).await;
    store.pass(short * 2).await;
    assert_eq!(paused(store).await, Some(Paused { until: None }), "the second has no end");

    pause(store, Some(short)).await;
    store.pass(short).await;

    assert_eq!(paused(store).await, None, "the third has one");
}

async fn a_pause_stops_nothing_but_claims(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d"]).await;
    let claims = store.claim(&ann, 4).await;
    pause(store, None).await;

    let fates = [Fate::Forget, reschedule(Duration::ZERO), Fate::HandBack];
    for (claim, fate) in claims.iter().zip(fates) {
        assert_eq!(store.settle_one(claim, fate.clone()).await, Settled::Done, "{fate:?} is done");
    }
    store.put(&["e"]).await;
    assert_eq!(store.promote(5).await.moved, 1, "due runs are promoted");
    assert_eq!(
        store.rescue(&rescue_after(Duration::ZERO)).await.rescued.len(),
        1,
        "silent overseers lose theirs"
    );

    assert_eq!(
        store.list(List::Waiting).await,
        ["d", "c", "e", "b"],
        "all of them wait for the end of the pause"
    );
    assert_eq!(store.claim(&ann, 5).await.len(), 0, "which is not yet");
    let (other, bob) = (queue("other"), Overseer::named("bob"));
    let _new = store.backend().enqueue(&other, &[run("x")]).await.expect("it is enqueued");
    let elsewhere = store.backend().claim(&other, &bob.ticket(), 1).await.expect("it is answered");
    assert_eq!(ids(&elsewhere.runs), ["x"], "other queues are not concerned");
}

async fn a_repeated_ticket_is_answered_during_a_pause(store: &Store) {
    let (ann, ticket) = (Overseer::named("ann"), Overseer::named("ann").ticket());
    store.put(&["a", "b"]).await;
    let first = store.claim_with(&ticket, 1).await.runs;
    pause(store, None).await;

    let again = store.claim_with(&ticket, 1).await.runs;

    assert_eq!(ids(&again), ids(&first), "what was claimed before the pause is the overseer's");
    assert_eq!(
        store.settle(&settlements(&again, &Fate::Forget)).await,
        [Settled::Done],
        "and its claim stands"
    );
    assert_eq!(store.claim(&ann, 1).await.len(), 0, "nothing more is handed out");
}

async fn the_longest_pause_is_no_error(store: &Store) {
    store.put(&["a"]).await;

    pause(store, Some(Duration::MAX)).await;

    let until = paused(store).await.expect("it is paused").until;
    let far = store.now().await + chrono::TimeDelta::days(365 * 100);
    assert!(until.is_none_or(|until| until > far), "for very long: {until:?}");
    assert_eq!(store.claim(&Overseer::named("ann"), 1).await.len(), 0, "nothing is handed out");
    pause(store, Some(HOUR)).await;
    resume(store).await;
    assert_eq!(store.claim(&Overseer::named("ann"), 1).await.len(), 1, "resuming ends any pause");
}

async fn a_queue_may_be_paused_before_it_is_used(store: &Store) {
    pause(store, None).await;

    store.put(&["a"]).await;

    assert_eq!(store.claim(&Overseer::named("ann"), 1).await.len(), 0, "it is paused from the first run on");
    resume(store).await;
    assert_eq!(store.claim(&Overseer::named("ann"), 1).await.len(), 1, "until it is resumed");
}

async fn a_queue_paused_before_its_first_run_is_listed_with_it(store: &Store) {
    store.backend().pause(store.queue(), None).await.expect("a queue is paused");
    store.put(&["a"]).await;
    store.put(&["b"]).await;

    let queues = store.second().queues().await.expect("queues are listed");

    assert_eq!(queues, std::slice::from_ref(store.queue()), "it is used now, and listed once");
}
