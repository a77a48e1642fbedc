//! What becomes of the runs of an overseer that is silent.

use std::time::Duration;

use mosquito::backend::{BATCH_LIMIT, Backend, Fate, Lease, List, Rescue, Rescued, Settled};
use mosquito::{History, HowEnded, QueueName, RunId};

use crate::making::{
    HOUR, Overseer, banish, failed, ids, numbered, queue, reschedule, rescue_after, run, runs, settlement,
};
use crate::store::Store;

facts! {
    a_silent_overseers_runs_come_back_to_the_front_in_their_order,
    a_death_is_counted_as_an_attempt_and_as_a_crash,
    a_run_remembers_who_died_with_it_and_when,
    an_overseer_that_beats_keeps_its_runs,
    a_claim_that_gets_runs_renews_the_lease,
    a_late_beat_is_in_time_before_the_rescue,
    a_rescue_that_comes_too_late_takes_nothing_back,
    a_rescue_moves_no_more_than_it_is_told_and_goes_on,
    a_rescue_never_moves_more_than_a_batch,
    a_run_that_saw_too_many_processes_die_is_poisoned,
    an_overseer_is_lost_until_the_rescue_is_complete,
    a_rescue_once_begun_is_completed_whatever_the_next_is_told,
    a_lease_without_runs_is_removed,
    only_what_is_pending_is_taken_back,
    what_the_store_wrongly_holds_as_claimed_is_handed_back,
    a_recall_touches_nobody_elses_claims,
    a_recall_never_moves_more_than_a_batch,
    a_beat_answers_for_each_queue,
    leases_are_of_one_queue,
    a_rescue_with_nobody_silent_changes_nothing,
    the_longest_patience_takes_nothing_back,
}

/// A silence that proves death: long enough for a beat to be in time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// Everybody is dead who is not to be believed without a beat.
const AT_ONCE: Duration = Duration::ZERO;

fn sorted(ids: &[RunId]) -> Vec<&str> {
    let mut ids: Vec<_> = ids.iter().map(RunId::as_str).collect();
    ids.sort_unstable();
    ids
}

async fn a_silent_overseers_runs_come_back_to_the_front_in_their_order(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.put(&["d", "b", "c", "a", "x", "y"]).await;
    store.claim(&ann, 2).await;
    store.claim(&ann, 2).await;
    store.claim(&bob, 1).await;
    store.pass(PATIENCE).await;
    store.beat(&bob).await;

    let rescued = store.rescue(&rescue_after(PATIENCE)).await;

    assert_eq!(sorted(&rescued.rescued), ["a", "b", "c", "d"], "the silent one's runs");
    assert_eq!((rescued.poisoned.len(), rescued.more), (0, false), "all of them, none poisoned");
    assert_eq!(store.list(List::Waiting).await, ["d", "b", "c", "a", "y"], "they keep their turn");
    assert_eq!(store.list(List::Pending).await, ["x"], "the other overseer has its own");
}

async fn a_death_is_counted_as_an_attempt_and_as_a_crash(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.settle_one(&claim, reschedule(AT_ONCE)).await;
    store.promote(1).await;
    store.claim(&ann, 1).await;

    store.rescue(&rescue_after(AT_ONCE)).await;

    let history = store.history("a").await;
    assert_eq!((history.attempts, history.crashes), (failed(1).attempts + 1, 1), "one more of each");
    let error = history.error.expect("it says what happened");
    assert!(error.contains("process died"), "for the one who reads it: {error}");
    assert_eq!(store.claim(&ann, 1).await[0].history.crashes, 1, "the next attempt is told");
}

async fn a_run_remembers_who_died_with_it_and_when(store: &Store) {
    let (ann, rescue) = (Overseer::named("ann"), Rescue { max_crashes: 99, ..rescue_after(AT_ONCE) });
    let claim = store.claimed("a", &ann).await;
    let failed =
        r#"{"attempts":1,"error":"no","log":[{"n":1,"at":5,"by":"bob","v":7,"how":"failed","why":["no"]}]}"#;
    let history: History = serde_json::from_str(failed).expect("this is a history");
    store.settle_one(&claim, Fate::Reschedule { delay: AT_ONCE, history }).await;
    store.promote(1).await;

    let mut claimed_at = Vec::new();
    for _ in 0..12 {
        claimed_at.push(store.now().await);
        assert_eq!(store.claim(&ann, 1).await.len(), 1, "it waits again");
        store.pass(Duration::from_millis(2)).await;
        assert_eq!(store.rescue(&rescue).await.rescued.len(), 1, "and is taken back");
    }

    let log = store.history("a").await.log;
    let numbers: Vec<_> = log.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 5, 6, 7, 8, 9, 10, 11, 12, 13], "the first and the last nine");
    assert_eq!(
        (log[0].ended, log[0].version, &*log[0].causes),
        (HowEnded::Failed, Some(7), &["no".to_owned()][..])
    );
    for (attempt, claimed_at) in log[1..].iter().zip(&claimed_at[3..]) {
        assert_eq!((attempt.ended, attempt.version), (HowEnded::Died, None));
        assert_eq!((&attempt.overseer, attempt.causes.len()), (&ann.id, 0));
        let late = (attempt.at - *claimed_at).num_milliseconds();
        assert!((0..5_000).contains(&late), "it began when it was claimed: {late} ms after");
    }
}

async fn an_overseer_that_beats_keeps_its_runs(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    store.pass(PATIENCE).await;

    let lease = store.beat(&ann).await;
    let rescued = store.rescue(&rescue_after(PATIENCE)).await;

    assert_eq!(lease, Lease::Held, "it was in time");
    assert_eq!(rescued, Rescued::default(), "nothing is taken from it");
    assert_eq!(store.list(List::Pending).await, ["a"], "however long its run takes");
    store.pass(PATIENCE).await;
    assert_eq!(
        store.rescue(&rescue_after(PATIENCE)).await.rescued.len(),
        1,
        "one beat is for one lease only"
    );
}

async fn a_claim_that_gets_runs_renews_the_lease(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    store.pass(PATIENCE).await;

    store.claimed("b", &ann).await;

    assert_eq!(store.rescue(&rescue_after(PATIENCE)).await, Rescued::default(), "who claims is alive");
}

async fn a_late_beat_is_in_time_before_the_rescue(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.pass(PATIENCE).await;

    assert_eq!(store.beat(&ann).await, Lease::Held, "nobody took anything from it yet");

    assert_eq!(store.settle_one(&claim, Fate::Forget).await, Settled::Done, "and its claim stands");
}

async fn a_rescue_that_comes_too_late_takes_nothing_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    let asked = store.now().await;
    store.pass(PATIENCE).await;

    let limit = Some(asked + PATIENCE / 2);
    let late = store.rescue(&Rescue { not_after: limit, ..rescue_after(PATIENCE) }).await;
    let told = late.late.expect("it says that it was late");
    let beat = store.beat(&ann).await;

    assert_eq!(late, Rescued { late: Some(told), ..Rescued::default() });
    assert!(told >= asked + PATIENCE, "{told} is the time of the store");
    assert_eq!(beat, Lease::Held, "nobody was condemned");
    store.pass(PATIENCE).await;
    let in_time = Some(store.now().await + Duration::from_secs(60));
    let rescued = store.rescue(&Rescue { not_after: in_time, ..rescue_after(PATIENCE) }).await;
    assert_eq!((rescued.rescued.len(), rescued.late), (1, None));
}

async fn a_rescue_moves_no_more_than_it_is_told_and_goes_on(store: &Store) {
    let ann = Overseer::named("ann");
    let all = numbered(7);
    store.put_runs(&runs(&all)).await;
    store.claim(&ann, 7).await;
    let rescue = Rescue { at_most: 3, ..rescue_after(AT_ONCE) };

    let mut back = Vec::new();
    let mut steps = Vec::new();
    loop {
        let rescued = store.rescue(&rescue).await;
        steps.push(rescued.rescued.len());
        back.extend(rescued.rescued);
        assert_eq!(store.sizes().await.waiting, back.len(), "the answer is what was moved");
        if !rescued.more {
            break;
        }
        assert!(steps.len() < 10, "it comes to an end: {steps:?}");
    }

    assert_eq!(steps[..3], [3, 3, 1], "no more than it is told, and no less");
    assert_eq!(sorted(&back), all, "each run came back once");
    assert_eq!(store.sizes().await.pending, 0, "and none is left");
}

async fn a_rescue_never_moves_more_than_a_batch(store: &Store) {
    let ann = Overseer::named("ann");
    store.put_runs(&runs(&numbered(BATCH_LIMIT + 5))).await;
    store.claim(&ann, BATCH_LIMIT).await;
    store.claim(&ann, BATCH_LIMIT).await;
    let rescue = Rescue { at_most: usize::MAX, ..rescue_after(AT_ONCE) };

    let first = store.rescue(&rescue).await;
    let second = store.rescue(&rescue).await;

    assert_eq!((first.rescued.len(), first.more), (BATCH_LIMIT, true), "whatever it is told");
    assert_eq!((second.rescued.len(), second.more), (5, false), "the rest follows");
}

async fn a_run_that_saw_too_many_processes_die_is_poisoned(store: &Store) {
    let (ann, rescue) = (Overseer::named("ann"), Rescue { max_crashes: 3, ..rescue_after(AT_ONCE) });
    store.put(&["bad"]).await;
    for death in 1..3 {
        store.claim(&ann, 1).await;
        let rescued = store.rescue(&rescue).await;
        assert_eq!((rescued.rescued.len(), rescued.poisoned.len()), (1, 0), "death {death} is no proof yet");
    }
    store.put(&["good"]).await;
    let claims = store.claim(&ann, 2).await;
    let before = store.now().await;

    let rescued = store.rescue(&rescue).await;

    assert_eq!(sorted(&rescued.poisoned), ["bad"], "the third death is");
    assert_eq!(sorted(&rescued.rescued), ["good"], "the run beside it is not harmed");
    assert_eq!(store.list(List::Waiting).await, ["good"], "and waits");
    let bad = store.find("bad").await.expect("nothing is thrown away");
    assert_eq!((bad.list, bad.history.attempts, bad.history.crashes), (List::Dead, 3, 3), "it is dead");
    assert!(bad.at >= Some(before), "from now on: {:?}", bad.at);
    let reason = bad.history.error.expect("it says why");
    assert!(reason.contains("poisoned") && reason.contains('3'), "for the one who reads it: {reason}");
    assert_eq!(store.settle_one(&claims[0], Fate::HandBack).await, Settled::Stale, "its claim is void");
    assert_eq!(store.history("good").await.crashes, 1, "the other saw one death");
}

async fn an_overseer_is_lost_until_the_rescue_is_complete(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c"]).await;
    store.claim(&ann, 2).await;
    let rescue = Rescue { at_most: 1, ..rescue_after(AT_ONCE) };
    assert!(store.rescue(&rescue).await.more, "one of two is taken back");

    let claimed = store.claim_with(&ann.ticket(), 5).await;

    assert_eq!(store.beat(&ann).await, Lease::Lost, "it cannot come back in between");
    assert_eq!((claimed.lease, claimed.runs.len()), (Lease::Lost, 0), "nor claim");
    while store.rescue(&rescue).await.more {}
    assert_eq!(store.beat(&ann).await, Lease::Lost, "then it has no lease at all");
    let claimed = store.claim_with(&ann.ticket(), 5).await;
    assert_eq!((claimed.lease, claimed.runs.len()), (Lease::New, 3), "and begins anew");
    assert_eq!(store.beat(&ann).await, Lease::Held, "like any other");
}

async fn a_rescue_once_begun_is_completed_whatever_the_next_is_told(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b"]).await;
    store.claim(&ann, 2).await;
    assert!(store.rescue(&Rescue { at_most: 1, ..rescue_after(AT_ONCE) }).await.more, "it is begun");

    let rescued = store.rescue(&rescue_after(HOUR)).await;

    assert_eq!(rescued.rescued.len(), 1, "an overseer that lost one run has lost all");
    assert_eq!(store.sizes().await.pending, 0, "none is left with it");
}

async fn a_lease_without_runs_is_removed(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.settle_one(&claim, Fate::Forget).await;
    assert_eq!(store.beat(&ann).await, Lease::Held, "it holds with nothing in hand");

    let rescued = store.rescue(&rescue_after(AT_ONCE)).await;

    assert_eq!(rescued, Rescued::default(), "there is nothing to take back");
    assert_eq!(store.beat(&ann).await, Lease::Lost, "but the lease is gone");
    assert_eq!(store.claim_with(&ann.ticket(), 1).await.lease, Lease::New, "and the next is a new one");
}

async fn only_what_is_pending_is_taken_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["forgotten", "later", "dead", "back", "deleted", "pending", "waiting"]).await;
    let claims = store.claim(&ann, 6).await;
    let fates = [Fate::Forget, reschedule(HOUR), banish(), Fate::HandBack];
    let batch: Vec<_> = claims.iter().zip(fates).map(|(claim, fate)| settlement(claim, fate)).collect();
    store.settle(&batch).await;
    store.delete("deleted").await;

    let rescued = store.rescue(&rescue_after(AT_ONCE)).await;

    assert_eq!(sorted(&rescued.rescued), ["pending"], "nothing else was still the overseer's");
    assert_eq!(store.list(List::Waiting).await, ["pending", "back", "waiting"], "each run is there once");
    assert_eq!(store.history("back").await, History::default(), "what was handed back saw no death");
}

async fn what_the_store_wrongly_holds_as_claimed_is_handed_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e"]).await;
    let old = [store.claim(&ann, 2).await, store.claim(&ann, 1).await].concat();
    let ticket = ann.ticket();
    let held = store.claim_with(&ticket, 1).await.runs;

    let recalled = store.recall(&ticket).await;

    assert_eq!(recalled, ["c", "b", "a"], "all from older tickets, the last first");
    assert_eq!(store.list(List::Waiting).await, ["a", "b", "c", "e"], "they stand in front, in their order");
    assert_eq!(store.history("a").await, History::default(), "it costs neither an attempt nor a crash");
    assert_eq!(store.settle_one(&old[0], Fate::Forget).await, Settled::Stale, "the old claims do not stand");
    assert_eq!(store.settle_one(&held[0], Fate::Forget).await, Settled::Done, "the one held does");
    assert_eq!(store.recall(&ann.ticket()).await.len(), 0, "and there is nothing more");
}

async fn a_recall_touches_nobody_elses_claims(store: &Store) {
    let (ann, anna) = (Overseer::named("ann"), Overseer::named("anna"));
    store.put(&["a", "b"]).await;
    store.claim(&anna, 1).await;

    let recalled = store.recall(&ann.ticket()).await;

    assert_eq!(recalled.len(), 0, "hers are not of ann");
    assert_eq!(store.place("a").await, Some(List::Pending));
    assert_eq!(store.place("b").await, Some(List::Waiting));
}

async fn a_recall_never_moves_more_than_a_batch(store: &Store) {
    let ann = Overseer::named("ann");
    let ids = numbered(BATCH_LIMIT + 5);
    store.put_runs(&runs(&ids)).await;
    while !store.claim(&ann, BATCH_LIMIT).await.is_empty() {}
    let ticket = ann.ticket();

    let (first, second) = (store.recall(&ticket).await, store.recall(&ticket).await);

    assert_eq!((first.len(), second.len()), (BATCH_LIMIT, 5));
    assert_eq!(store.list(List::Waiting).await, ids, "in their order, however many calls it takes");
}

async fn a_beat_answers_for_each_queue(store: &Store) {
    let (ann, other) = (Overseer::named("ann"), queue("other"));
    store.claimed("a", &ann).await;
    let queues = [other, store.queue().clone(), queue("unknown"), store.queue().clone()];

    let leases = store.backend().beat(&ann.id, &queues).await.expect("a beat is answered");
    let none = store.backend().beat(&ann.id, &[]).await.expect("a beat is answered");

    assert_eq!(leases, [Lease::Lost, Lease::Held, Lease::Lost, Lease::Held], "in the order given");
    assert_eq!(none, [], "and nothing for none");
}

async fn leases_are_of_one_queue(store: &Store) {
    let (ann, other) = (Overseer::named("ann"), queue("other"));
    store.claimed("a", &ann).await;
    claim_one(store.backend().as_ref(), &other, &ann).await;

    let rescued = store.rescue(&rescue_after(AT_ONCE)).await;

    assert_eq!(sorted(&rescued.rescued), ["a"], "what it claimed in this queue");
    let leases = store.backend().beat(&ann.id, &[store.queue().clone(), other.clone()]).await;
    assert_eq!(leases.expect("a beat is answered"), [Lease::Lost, Lease::Held], "the other lease holds");
    let sizes = store.backend().sizes(&other).await.expect("sizes are told");
    assert_eq!((sizes.waiting, sizes.pending), (0, 1), "with its run");
}

async fn claim_one(backend: &dyn Backend, queue: &QueueName, overseer: &Overseer) {
    let _new = backend.enqueue(queue, &[run("a")]).await.expect("it is enqueued");
    let claimed = backend.claim(queue, &overseer.ticket(), 1).await.expect("it is claimed");
    assert_eq!(ids(&claimed.runs), ["a"], "the run waits");
}

async fn a_rescue_with_nobody_silent_changes_nothing(store: &Store) {
    assert_eq!(store.rescue(&rescue_after(AT_ONCE)).await, Rescued::default(), "nobody is there");
    store.claimed("a", &Overseer::named("ann")).await;
    store.put(&["b"]).await;
    let before = store.everything().await;

    let rescued = store.rescue(&rescue_after(HOUR)).await;

    assert_eq!(rescued, Rescued::default(), "nobody was silent for so long");
    assert_eq!(store.everything().await, before, "nothing changed");
}

async fn the_longest_patience_takes_nothing_back(store: &Store) {
    let ann = Overseer::named("ann");
    store.claimed("a", &ann).await;
    store.pass(Duration::from_millis(10)).await;

    let rescued = store.rescue(&rescue_after(Duration::MAX)).await;

    assert_eq!(rescued, Rescued::default(), "it has not been silent for ever");
    assert_eq!(store.beat(&ann).await, Lease::Held, "and holds its lease");
}
