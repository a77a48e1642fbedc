//! Whatever may be a name works as one, and names that look alike stay apart.

use std::time::Duration;

use mosquito::backend::{Fate, Lease, List, Overlap, Pause, Settled, Ticked};
use mosquito::{JobName, OverseerId, QueueName, RunId};

use crate::making::{
    HOUR, Overseer, banish, ids, queue, reschedule, rescue_after, run, run_id, settlement, tick_of,
};
use crate::store::Store;

facts! {
    every_allowed_character_and_length_works,
    ids_that_read_as_the_same_number_stay_apart,
    names_that_differ_in_case_stay_apart,
    queues_do_not_mix,
    whatever_is_done_to_a_queue_its_twin_stays_as_it_is,
    overseers_of_like_names_do_not_share_claims,
}

const ALPHABET: &str = "AZaz09_.:-";

async fn every_allowed_character_and_length_works(store: &Store) {
    let long = |length| ALPHABET.repeat(length / ALPHABET.len() + 1)[..length].to_owned();
    let queues = ["a.b:c-d_E", ":", "-", "waiting", "events~0", "events~63", &long(128)]
        .map(|name| QueueName::new(name).unwrap_or_else(|why| panic!("{why}")));
    let id = RunId::new(long(160)).expect("the longest id is an id");
    let overseer = Overseer::named(OverseerId::new(long(64)).expect("the longest name is a name").as_str());

    for queue in &queues {
        let backend = store.backend();
        let enqueued = backend.enqueue(queue, &[run(id.as_str())]).await.expect("it is enqueued");
        let claimed = backend.claim(queue, &overseer.ticket(), 5).await.expect("it is claimed");
        let settled = backend.settle(queue, &[settlement(&claimed.runs[0], Fate::HandBack)]).await;

        assert!(enqueued[0].is_new(), "in {queue} it is new");
        assert_eq!(ids(&claimed.runs), [id.as_str()], "in {queue} it is claimed by its id");
        assert_eq!(settled.expect("it is settled"), [Settled::Done], "in {queue} its claim stands");
        let found = backend.find(queue, &id).await.expect("it is looked up");
        assert_eq!(found.expect("it is there").id, id, "in {queue} it is found");
    }
}

async fn ids_that_read_as_the_same_number_stay_apart(store: &Store) {
    let alike =
        ["7", "07", "7.0", "7e0", "-0", "0", "0x7", "9007199254740993", "9007199254740992", "nan", "null"];

    store.put(&alike).await;

    let claims = store.claim(&Overseer::named("ann"), 100).await;
    assert_eq!(ids(&claims), alike, "an id is text, whatever it looks like");
    for claim in &claims[1..] {
        assert_eq!(store.settle_one(claim, Fate::Forget).await, Settled::Done, "{} is settled", claim.id);
    }
    assert_eq!(store.everything().await.len(), 1, "each of them alone");
}

async fn names_that_differ_in_case_stay_apart(store: &Store) {
    let (lower, upper) = (queue("letters"), queue("Letters"));
    store.put(&["a", "A"]).await;
    let _put = store.backend().enqueue(&lower, &[run("x")]).await.expect("it is enqueued");

    assert!(store.delete("A").await, "there is an A");

    assert!(store.find("a").await.is_some(), "the a is another run");
    let other = store.backend().sizes(&upper).await.expect("sizes are told");
    assert_eq!(other.total(), 0, "and Letters is another queue than letters");
}

async fn queues_do_not_mix(store: &Store) {
    let queues = ["a", "a:b", "a:waiting", "b", "a.b"].map(queue);
    let (backend, ann) = (store.backend(), Overseer::named("ann"));
    for (queue, count) in queues.iter().zip(1..) {
        let runs: Vec<_> = (0..count).map(|n| run(&format!("run-{n}"))).collect();
        let answers = backend.enqueue(queue, &runs).await.expect("runs are enqueued");
        assert!(answers.iter().all(mosquito::backend::Enqueued::is_new), "the ids are new in {queue}");
    }

    let claimed = backend.claim(&queues[1], &ann.ticket(), 100).await.expect("a claim is answered");
    backend.pause(&(&queues[3]).into(), &Pause::new()).await.expect("a queue is paused");
    backend.flush(&queues[4]).await.expect("a queue is flushed");
    let gone = backend.delete(&queues[2], &run_id("run-0")).await.expect("a run is deleted");

    assert!(gone, "it was there");
    assert_eq!(ids(&claimed.runs), ["run-0", "run-1"], "a claim is of one queue");
    let mut totals = Vec::new();
    for queue in &queues {
        let sizes = backend.sizes(queue).await.expect("sizes are told");
        totals.push((sizes.waiting, sizes.pending));
    }
    assert_eq!(totals, [(1, 0), (0, 2), (2, 0), (4, 0), (0, 0)], "each act is on its own queue only");
    let elsewhere = backend.settle(&queues[0], &[settlement(&claimed.runs[0], Fate::Forget)]).await;
    assert_eq!(elsewhere.expect("it is answered"), [Settled::Stale], "a claim stands in its queue only");
}

/// In both queues the same ids, overseers, tickets and jobs.
async fn twins(store: &Store) -> ([QueueName; 2], Vec<mosquito::backend::Claim>) {
    let (queues, backend) = ([queue("one"), queue("two")], store.backend());
    let ann = Overseer::named("ann");
    let at = store.now().await - HOUR;
    let mut claims = Vec::new();
    for queue in &queues {
        let runs = ["a", "b", "c", "d", "e"].map(run);
        let _new = backend.enqueue(queue, &runs).await.expect("it is enqueued");
        let claimed = backend.claim(queue, &ann.numbered_ticket(1), 4).await.expect("it is answered").runs;
        let batch = [settlement(&claimed[0], banish()), settlement(&claimed[1], reschedule(Duration::ZERO))];
        backend.settle(queue, &batch).await.expect("it is answered");
        backend.tick(queue, &tick_of("report", at, Overlap::Skip)).await.expect("it ticks");
        backend.pause(&queue.into(), &Pause::new().lasting(HOUR)).await.expect("it is paused");
        backend.resume(&queue.into()).await.expect("it is resumed");
        claims = claimed;
    }
    (queues, claims)
}

async fn whatever_is_done_to_a_queue_its_twin_stays_as_it_is(store: &Store) {
    let ([twin, queue], claims) = twins(store).await;
    let (backend, ann) = (store.backend(), Overseer::named("ann"));
    let everything = async || {
        let mut runs = Vec::new();
        for list in List::ALL {
            runs.extend(backend.page(&twin, list, 0, 100).await.expect("a page is read"));
        }
        (runs, backend.paused(&(&twin).into()).await.expect("it is told"))
    };
    let before = everything().await;
    let later = store.now().await - HOUR / 2;

    backend.settle(&queue, &[settlement(&claims[2], Fate::HandBack)]).await.expect("it is answered");
    assert_eq!(everything().await, before, "after a settlement");
    backend.promote(&queue, 10).await.expect("it is answered");
    assert_eq!(everything().await, before, "after a promotion");
    let recalled = backend.recall(&queue, &ann.numbered_ticket(9)).await.expect("it is answered");
    assert_eq!((recalled.len(), everything().await), (1, before.clone()), "after a recall");
    backend.claim(&queue, &ann.numbered_ticket(2), 10).await.expect("it is answered");
    assert_eq!(everything().await, before, "after a claim");
    backend.rescue(&queue, &rescue_after(Duration::ZERO)).await.expect("it is answered");
    assert_eq!(everything().await, before, "after a rescue");
    let pruned = backend.prune(&queue, 0, Duration::ZERO, 10).await.expect("it is answered");
    assert_eq!((pruned, everything().await), (1, before.clone()), "after a pruning");
    backend.pause(&(&queue).into(), &Pause::new().lasting(HOUR)).await.expect("it is paused");
    assert_eq!(everything().await, before, "after a pause");
    backend.flush(&queue).await.expect("it is flushed");
    assert_eq!(everything().await, before, "after a flush");
    // The twin's tick is unfinished still, whatever became of this one's.
    let own = backend.tick(&queue, &tick_of("report", later, Overlap::Skip)).await.expect("it is answered");
    let twins = backend.tick(&twin, &tick_of("report", later, Overlap::Skip)).await.expect("it is answered");
    assert!(matches!(own, Ticked::Enqueued(_)), "the queue was flushed: {own:?}");
    assert_eq!(twins, Ticked::Passed, "and the twin was not");
    let lease = backend.beat(&ann.id, &[twin, queue]).await.expect("a beat is answered");
    assert_eq!(lease, [Lease::Held, Lease::Lost], "nor was its lease taken");
}

async fn overseers_of_like_names_do_not_share_claims(store: &Store) {
    let names = ["ann", "ann:1", "ann:1:0", "an", "ann_", "ann-", "Ann", "annn"];
    let overseers = names.map(Overseer::named);
    store.put(&names).await;
    let tickets = overseers.each_ref().map(Overseer::ticket);
    for ticket in &tickets {
        assert_eq!(store.claim_with(ticket, 1).await.runs.len(), 1, "there is one for {}", ticket.overseer);
    }
    store.put(&["more"]).await;

    for (ticket, id) in tickets.iter().zip(names) {
        let repeated = store.claim_with(ticket, 5).await;

        assert_eq!(ids(&repeated.runs), [id], "{} has the one it claimed", ticket.overseer);
    }

    let silent = rescue_after(std::time::Duration::ZERO);
    let rescued = store.rescue(&silent).await.rescued;
    assert_eq!(rescued.len(), names.len(), "and each of them loses the one it claimed: {rescued:?}");
    let jobs =
        ["report", "report:1", "Report"].map(|name| JobName::new(name).unwrap_or_else(|why| panic!("{why}")));
    let at = store.now().await - HOUR;
    for job in &jobs {
        let ticked = store.backend().tick(store.queue(), &tick_of(job.as_str(), at, Overlap::Skip)).await;
        assert!(matches!(ticked, Ok(Ticked::Enqueued(_))), "jobs of like names tick apart: {job} {ticked:?}");
    }
}
