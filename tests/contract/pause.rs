//! A paused queue hands out nothing, and goes on otherwise.

use std::time::Duration;

use mosquito::Timestamp;
use mosquito::backend::{Fate, List, Overlap, Pause, Paused, Scope, Settled, Signal};

use crate::making::{HOUR, Overseer, ids, queue, reschedule, rescue_after, run, settlements, tick};
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
    a_pause_says_since_when_why_and_by_whom,
    a_claim_is_told_when_the_pause_ends_that_keeps_it_from_more,
    a_pause_for_a_time_is_a_signal_and_so_is_a_run_that_comes_before,
    while_a_queue_is_paused_one_run_of_a_periodic_job_waits_at_most,
}

async fn pause(store: &Store, duration: Option<Duration>) {
    let pause = duration.map_or_else(Pause::new, |duration| Pause::new().lasting(duration));
    store.backend().pause(&store.queue().into(), &pause).await.expect("a queue is paused");
}

async fn resume(store: &Store) {
    store.backend().resume(&store.queue().into()).await.expect("a queue is resumed");
}

async fn paused(store: &Store) -> Option<Paused> {
    store.second().paused(&store.queue().into()).await.expect("a pause is told")
}

/// When it ends, if it is paused.
async fn end(store: &Store) -> Option<Option<Timestamp>> {
    paused(store).await.map(|paused| paused.until)
}

async fn a_paused_queue_hands_out_nothing_until_it_resumes(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a"]).await;
    assert_eq!(paused(store).await, None, "it begins unpaused");

    pause(store, None).await;

    assert_eq!(end(store).await, Some(None), "until it is resumed");
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
    let (ann, duration) = (Overseer::named("ann"), Duration::from_secs(2));
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
    assert_eq!(end(store).await, Some(None), "the second has no end");

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
    pause(store, None).await;
    store.put(&["a"]).await;
    store.put(&["b"]).await;

    let queues = store.second().queues().await.expect("queues are listed");

    assert_eq!(queues, std::slice::from_ref(store.queue()), "it is used now, and listed once");
}

async fn a_pause_says_since_when_why_and_by_whom(store: &Store) {
    let scope = store.queue().into();
    let words = Pause::new().reason("it's \"down\" 100 %").author("ada");

    let before = store.now().await;
    store.backend().pause(&scope, &words).await.expect("it is paused");
    let after = store.now().await;

    let told = paused(store).await.expect("it is told");
    assert!(
        told.since.is_some_and(|since| before <= since && since <= after),
        "{told:?} tells when it began"
    );
    assert_eq!(told.reason.as_deref(), Some("it's \"down\" 100 %"));
    assert_eq!((told.author.as_deref(), told.everything), (Some("ada"), false));
    pause(store, Some(HOUR)).await;
    let told = paused(store).await.expect("it is told");
    assert_eq!((told.reason, told.author), (None, None), "another pause has nothing of the one before");
}

async fn a_claim_is_told_when_the_pause_ends_that_keeps_it_from_more(store: &Store) {
    let told = async || {
        let ticket = Overseer::named("ann").ticket();
        let claimed = store.second().claim(store.queue(), &ticket, 5).await.expect("it is answered");
        (claimed.runs.len(), claimed.paused_until)
    };
    assert_eq!(told().await, (0, None), "it is not paused");

    pause(store, Some(HOUR)).await;
    let end = end(store).await.expect("it is paused");
    assert_eq!(told().await, (0, end), "also when nothing waits");
    store.put(&["a"]).await;
    assert_eq!(told().await, (0, end));
    store.backend().pause(&Scope::Everything, &Pause::new().lasting(HOUR * 2)).await.expect("it is paused");
    let later = told().await.1.expect("it is told");
    assert!(later > end.expect("it ends"), "of two pauses, when the second is over");
    store.backend().pause(&Scope::Everything, &Pause::new()).await.expect("it is paused");
    assert_eq!(told().await, (0, None), "one of the two has no end");
    store.backend().resume(&Scope::Everything).await.expect("it is resumed");
    resume(store).await;
    assert_eq!(told().await, (1, None));
}

async fn a_pause_for_a_time_is_a_signal_and_so_is_a_run_that_comes_before(store: &Store) {
    let queues = [store.queue().clone()];
    let wait = async |time| store.second().wait(Signal::Work, &queues, time).await.expect("it is answered");
    for scope in [store.queue().into(), Scope::Everything] {
        store.put(&[&format!("{scope:?}").replace(|c: char| !c.is_alphanumeric(), "-")]).await;
        while wait(Duration::from_millis(200)).await.is_some() {}

        store.backend().pause(&scope, &Pause::new().lasting(HOUR)).await.expect("it is paused");

        assert!(wait(Duration::from_secs(20)).await.is_some(), "whoever waits can ask until when");
        store.backend().resume(&scope).await.expect("it is resumed");
    }
}

async fn while_a_queue_is_paused_one_run_of_a_periodic_job_waits_at_most(store: &Store) {
    let (ann, now) = (Overseer::named("ann"), store.now().await);
    let minute = |n: i64| now - chrono::TimeDelta::minutes(100 - n);
    let tick = async |n, overlap| {
        store.backend().tick(store.queue(), &tick(minute(n), overlap)).await.expect("it is answered")
    };
    for scope in [store.queue().into(), Scope::Everything] {
        let begin = if scope == Scope::Everything { 50 } else { 0 };
        store.backend().pause(&scope, &Pause::new()).await.expect("it is paused");

        for n in begin + 1..begin + 20 {
            tick(n, if n % 3 == 0 { Overlap::Skip } else { Overlap::Allow }).await;
        }

        assert_eq!(store.sizes().await.waiting, 1, "{scope}: the first one waits, and the others passed");
        store.backend().resume(&scope).await.expect("it is resumed");
        for n in [21, 22] {
            tick(begin + n, Overlap::Allow).await;
        }
        let claims = store.claim(&ann, 5).await;
        assert_eq!(claims.len(), 3, "{scope}: from then on as ever");
        assert_eq!(store.settle(&settlements(&claims, &Fate::Forget)).await, [Settled::Done; 3]);
    }
}
