//! A paused job's runs are put aside, and others flow past.

use std::time::Duration;

use mosquito::backend::{Fate, List, Overlap, Pause, Scope, Settled, Signal};
use mosquito::{Body, Flow, NewRun, RateKind, When};
use serde_json::value::RawValue;

use super::{a_second, at_once, flowing, of_tenant, priority};
use crate::making::{HOUR, Overseer, ids, job, queue, run_id, settlements, tick_of};
use crate::store::Store;

facts! {
    a_paused_job_waits_and_others_flow_past,
    what_was_put_aside_goes_on_in_its_order,
    a_pause_of_a_job_with_a_duration_ends_by_itself,
    the_end_of_a_jobs_pause_is_told_and_a_promotion_signals_it,
    what_is_put_aside_waits_as_all_others_do,
    a_job_is_paused_in_one_queue_and_under_one_name,
    runs_with_a_flow_are_put_aside_too_and_keep_it,
    a_run_that_is_put_aside_leaves_its_slot_to_others,
    a_job_that_is_paused_again_is_put_aside_again,
    more_than_a_claim_may_look_at_is_put_aside_by_several,
    many_lanes_go_on_with_several_calls,
    to_resume_a_job_wakes_no_others,
    a_jobs_pause_outlives_a_flush,
    the_paused_jobs_are_told_with_why_and_by_whom,
    a_paused_job_and_its_queue_know_nothing_of_each_other,
    while_a_job_is_paused_one_of_its_periodic_runs_waits_at_most,
    a_run_at_work_goes_on_and_comes_back_to_wait,
}

/// A run of a job.
fn of(name: &str, id: &str) -> NewRun {
    let args = RawValue::from_string("null".into()).expect("this is JSON");
    NewRun::new(run_id(id), When::Now, &Body::new(&job(name), &args))
}

impl Store {
    fn scope_of(&self, name: &str) -> Scope {
        Scope::Job(self.queue().clone(), job(name))
    }

    async fn pause_job(&self, name: &str, pause: Pause) {
        self.backend().pause(&self.scope_of(name), &pause).await.expect("a job is paused");
    }

    async fn resume_job(&self, name: &str) {
        self.backend().resume(&self.scope_of(name)).await.expect("a job is resumed");
    }

    async fn paused_jobs(&self) -> Vec<String> {
        let jobs = self.second().paused_jobs(self.queue()).await.expect("they are told");
        jobs.into_keys().map(|job| job.to_string()).collect()
    }
}

async fn a_paused_job_waits_and_others_flow_past(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&[of("bad", "b1"), of("good", "g1"), of("bad", "b2"), of("good", "g2")]).await;
    store.pause_job("bad", Pause::new()).await;

    assert_eq!(store.next(&ann, 10).await, ["g1", "g2"]);
    store.enqueue(&[of("bad", "b3"), of("good", "g3")]).await;
    assert_eq!(store.next(&ann, 10).await, ["g3"], "also what comes later");
    assert!(store.next(&ann, 10).await.is_empty());

    let left = store.find("b1").await.expect("it is there");
    assert_eq!((left.history.attempts, store.sizes().await.waiting), (0, 3), "no attempt is used up");
}

async fn what_was_put_aside_goes_on_in_its_order(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&[of("bad", "b1"), of("bad", "b2"), of("bad", "b3"), of("bad", "b4")]).await;
    assert!(store.next(&ann, 2).await.is_empty());

    store.resume_job("bad").await;

    assert!(store.paused_jobs().await.is_empty());
    assert_eq!(store.next(&ann, 2).await, ["b1", "b2"]);
    assert_eq!(store.next(&ann, 9).await, ["b3", "b4"]);
    store.resume_job("bad").await;
    assert!(store.paused_jobs().await.is_empty(), "to resume what is not paused changes nothing");
}

async fn a_pause_of_a_job_with_a_duration_ends_by_itself(store: &Store) {
    let (ann, duration) = (Overseer::named("ann"), Duration::from_secs(2));
    store.enqueue(&[of("bad", "b1"), of("good", "g1")]).await;
    let before = store.now().await;

    store.pause_job("bad", Pause::new().lasting(duration)).await;

    let told =
        store.second().paused(&store.scope_of("bad")).await.expect("it is told").expect("it is paused");
    let until = told.until.expect("for a time");
    assert!(before + duration <= until && until <= store.now().await + duration, "{until}");
    assert_eq!(store.next(&ann, 10).await, ["g1"]);
    store.pass(duration).await;
    assert_eq!(store.next(&ann, 10).await, ["b1"], "the claim itself makes it ready");
    assert!(store.paused_jobs().await.is_empty());
}

async fn the_end_of_a_jobs_pause_is_told_and_a_promotion_signals_it(store: &Store) {
    let (ann, duration) = (Overseer::named("ann"), Duration::from_secs(2));
    let queues = [store.queue().clone()];
    let wait = async |signal, time| store.second().wait(signal, &queues, time).await.expect("it is answered");
    store.enqueue(&[of("bad", "b1")]).await;
    while wait(Signal::Due, Duration::from_millis(50)).await.is_some() {}

    store.pause_job("bad", Pause::new().lasting(duration)).await;

    assert!(wait(Signal::Due, Duration::from_secs(20)).await.is_some(), "whoever promotes sleeps no longer");
    assert!(store.next(&ann, 10).await.is_empty());
    let next = store.promote(10).await.next_due.expect("the pause ends");
    assert!(next <= duration, "{next:?}");
    store.pass(duration).await;
    while wait(Signal::Work, Duration::from_millis(50)).await.is_some() {}
    let promoted = store.promote(10).await;
    assert_eq!((promoted.moved, promoted.woken, promoted.next_due), (0, 1, None));
    assert!(wait(Signal::Work, Duration::from_secs(20)).await.is_some(), "and so does whoever waits");
    assert_eq!(store.next(&ann, 10).await, ["b1"]);
}

async fn what_is_put_aside_waits_as_all_others_do(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&["b1", "b2", "b3", "b4"].map(|id| of("bad", id))).await;
    assert!(store.next(&ann, 10).await.is_empty());

    assert_eq!(store.sizes().await.waiting, 4);
    assert_eq!(store.list(List::Waiting).await, ["b1", "b2", "b3", "b4"]);
    assert_eq!(store.find("b2").await.expect("it is there").list, List::Waiting);
    assert!(store.backend().delete(store.queue(), &run_id("b2")).await.expect("it is answered"));
    let cancelled = store.backend().cancel(store.queue(), &[run_id("b3")]).await.expect("it is answered");
    assert_eq!(cancelled, [mosquito::backend::Cancelled::Removed]);
    store.resume_job("bad").await;
    assert_eq!(store.next(&ann, 10).await, ["b1", "b4"]);
}

async fn a_job_is_paused_in_one_queue_and_under_one_name(store: &Store) {
    let (ann, other) = (Overseer::named("ann"), queue("other"));
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&[of("bad-too", "t1"), of("b", "t2")]).await;
    let _put = store.backend().enqueue(&other, &[of("bad", "b1")]).await.expect("it is enqueued");

    assert_eq!(store.next(&ann, 10).await, ["t1", "t2"]);
    let elsewhere = store.backend().claim(&other, &ann.ticket(), 1).await.expect("it is answered");
    assert_eq!(ids(&elsewhere.runs), ["b1"]);
}

async fn runs_with_a_flow_are_put_aside_too_and_keep_it(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&["b1", "b2"].map(|id| of("bad", id).flowing(at_once(1, "a")))).await;
    store
        .enqueue(&[of("bad", "urgent").flowing(priority(0)), of("bad", "fair").flowing(of_tenant("x", 2))])
        .await;
    store.enqueue(&[of("good", "g1").flowing(at_once(1, "a")), of("good", "plain")]).await;

    let mut got = store.next(&ann, 10).await;
    got.sort();
    assert_eq!(got, ["g1", "plain"]);
    store.resume_job("bad").await;

    assert_eq!(store.next(&bob, 1).await, ["urgent"], "its level goes first still");
    assert_eq!(store.next(&bob, 10).await, ["fair"], "the slot is taken");
    let g1 = store.claim(&ann, 0).await;
    assert!(g1.is_empty(), "a spent ticket");
    assert!(store.backend().delete(store.queue(), &run_id("g1")).await.expect("it is answered"));
    assert_eq!(store.next(&bob, 10).await, ["b1"], "one at once");
}

async fn a_run_that_is_put_aside_leaves_its_slot_to_others(store: &Store) {
    let ann = Overseer::named("ann");
    // Two lanes that share the slot: they differ in their level.
    let low = Flow { priority: mosquito::Priority::LAST, ..at_once(1, "a") };
    store.enqueue(&[of("good", "first").flowing(at_once(1, "a"))]).await;
    let first = store.claim(&ann, 1).await;
    store.enqueue(&[of("bad", "b1").flowing(at_once(1, "a")), of("good", "g1").flowing(low)]).await;
    assert!(store.next(&ann, 5).await.is_empty(), "both are parked");
    store.pause_job("bad", Pause::new()).await;
    assert_eq!(store.settle(&settlements(&first, &Fate::Forget)).await, [Settled::Done]);

    assert_eq!(store.next(&ann, 5).await, ["g1"]);
}

async fn a_job_that_is_paused_again_is_put_aside_again(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&["b1", "b2", "b3"].map(|id| of("bad", id))).await;
    store.enqueue(&[of("good", "g1")]).await;
    assert_eq!(store.next(&ann, 1).await, ["g1"]);
    store.resume_job("bad").await;
    assert_eq!(store.next(&ann, 1).await, ["b1"]);

    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&[of("good", "g2")]).await;

    assert_eq!(store.next(&ann, 9).await, ["g2"]);
    assert!(store.next(&ann, 9).await.is_empty());
    store.resume_job("bad").await;
    assert_eq!(store.next(&ann, 9).await, ["b2", "b3"]);
}

async fn more_than_a_claim_may_look_at_is_put_aside_by_several(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    let many: Vec<_> = (0..250).map(|n| of("bad", &format!("b{n:03}"))).collect();
    store.enqueue(&many).await;
    store.enqueue(&[of("good", "g1")]).await;

    let mut claims = 0;
    let got = loop {
        claims += 1;
        let got = store.next(&ann, 7).await;
        if !got.is_empty() || claims == 10 {
            break got;
        }
        let queues = [store.queue().clone()];
        let signal = store.second().wait(Signal::Work, &queues, Duration::from_secs(20)).await;
        assert!(signal.expect("it is answered").is_some(), "there is more to look at");
    };

    assert_eq!((got, claims), (vec!["g1".to_owned()], 3), "a hundred in each");
    store.resume_job("bad").await;
    let got = store.next(&ann, 300).await;
    assert!(got.len() == 250 && got.is_sorted(), "{got:?}");
}

async fn many_lanes_go_on_with_several_calls(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    let tenants: Vec<_> =
        (0..150).map(|n| of("bad", &format!("b{n}")).flowing(of_tenant(&n.to_string(), 1))).collect();
    store.enqueue(&tenants).await;
    for _ in 0..3 {
        assert!(store.next(&ann, 10).await.is_empty());
    }

    store.resume_job("bad").await;

    let promoted = store.promote(30).await;
    assert_eq!(
        (promoted.woken, promoted.next_due),
        (30, Some(Duration::ZERO)),
        "a hundred are awake, and now more"
    );
    let promoted = store.promote(30).await;
    assert_eq!((promoted.woken, promoted.next_due), (20, None));
    assert_eq!(store.next(&ann, 200).await.len(), 150);
}

async fn to_resume_a_job_wakes_no_others(store: &Store) {
    // Where time really passes, a busy machine may be slower than the limit.
    if store.clock().is_none() {
        return;
    }
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.enqueue(&["a1", "a2", "a3"].map(|id| flowing(id, a_second(RateKind::Sliding, 1, "a")))).await;
    for (id, is_paused) in [("a1", false), ("a2", true)] {
        assert_eq!(store.next(&ann, 10).await, [id]);
        assert!(store.next(&ann, 10).await.is_empty(), "the limit holds the next one up");
        if is_paused {
            store.pause_job("bad", Pause::new()).await;
            store.enqueue(&[of("bad", "b1")]).await;
            assert!(store.next(&bob, 10).await.is_empty());
        }
        store.pass(Duration::from_millis(1_050)).await;

        store.resume_job("bad").await;

        assert_eq!(store.promote(10).await.woken, 1, "what was held up is woken by who promotes");
    }
}

async fn a_jobs_pause_outlives_a_flush(store: &Store) {
    let ann = Overseer::named("ann");
    store.pause_job("bad", Pause::new()).await;
    store.enqueue(&[of("bad", "b1")]).await;
    assert!(store.next(&ann, 1).await.is_empty());

    store.backend().flush(store.queue()).await.expect("it is flushed");

    assert_eq!((store.sizes().await.waiting, store.paused_jobs().await), (0, vec!["bad".to_owned()]));
    store.enqueue(&[of("bad", "b1"), of("good", "g1")]).await;
    assert_eq!(store.next(&ann, 9).await, ["g1"]);
    store.resume_job("bad").await;
    assert_eq!(store.next(&ann, 9).await, ["b1"]);
}

async fn the_paused_jobs_are_told_with_why_and_by_whom(store: &Store) {
    store.pause_job("bad", Pause::new().reason("it's \"wrong\" 100 %").author("ada")).await;
    store.pause_job("worse", Pause::new().lasting(HOUR)).await;
    store.pause_job("over", Pause::new().lasting(Duration::ZERO)).await;

    let told = store.second().paused_jobs(store.queue()).await.expect("they are told");

    assert_eq!(told.keys().map(|job| job.as_str()).collect::<Vec<_>>(), ["bad", "worse"]);
    let bad = &told[&job("bad")];
    assert!(bad.since.is_some() && bad.until.is_none() && !bad.everything, "{bad:?}");
    assert_eq!((bad.reason.as_deref(), bad.author.as_deref()), (Some("it's \"wrong\" 100 %"), Some("ada")));
    assert_eq!(store.second().paused(&store.scope_of("bad")).await.expect("it is told").as_ref(), Some(bad));
    assert_eq!(store.second().paused(&store.scope_of("good")).await.expect("it is told"), None);
    assert!(told[&job("worse")].until.is_some());
}

async fn a_paused_job_and_its_queue_know_nothing_of_each_other(store: &Store) {
    let (ann, whole) = (Overseer::named("ann"), store.queue().into());
    store.enqueue(&[of("bad", "b1"), of("good", "g1")]).await;
    store.pause_job("bad", Pause::new()).await;
    assert_eq!(store.backend().paused(&whole).await.expect("it is told"), None);
    store.backend().pause(&whole, &Pause::new()).await.expect("it is paused");

    assert!(store.next(&ann, 9).await.is_empty());
    store.backend().resume(&whole).await.expect("it is resumed");
    assert_eq!(store.next(&ann, 9).await, ["g1"], "the job is paused still");
    store.backend().pause(&whole, &Pause::new()).await.expect("it is paused");
    store.resume_job("bad").await;
    assert!(store.next(&ann, 9).await.is_empty(), "the queue is");
    store.backend().resume(&whole).await.expect("it is resumed");
    assert_eq!(store.next(&ann, 9).await, ["b1"]);
}

async fn while_a_job_is_paused_one_of_its_periodic_runs_waits_at_most(store: &Store) {
    let (ann, now) = (Overseer::named("ann"), store.now().await);
    let tick = async |name, n: i64| {
        let tick = tick_of(name, now - chrono::TimeDelta::minutes(100 - n), Overlap::Allow);
        store.backend().tick(store.queue(), &tick).await.expect("it is answered")
    };
    store.pause_job("report", Pause::new()).await;

    for n in 1..10 {
        tick("report", n).await;
        assert!(store.next(&ann, 9).await.is_empty());
    }

    assert_eq!(store.sizes().await.waiting, 1, "the first one waits, and the others passed");
    for n in 1..3 {
        tick("sweep", n).await;
    }
    assert_eq!(store.next(&ann, 9).await.len(), 2, "another job ticks as ever");
    store.resume_job("report").await;
    tick("report", 11).await;
    assert_eq!(store.next(&ann, 9).await.len(), 2, "and so does this one from then on");
}

async fn a_run_at_work_goes_on_and_comes_back_to_wait(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&[of("bad", "b1"), of("bad", "b2")]).await;
    let claims = store.claim(&ann, 2).await;
    store.pause_job("bad", Pause::new()).await;

    assert_eq!(store.settle_one(&claims[0], Fate::Forget).await, Settled::Done);
    assert_eq!(store.settle_one(&claims[1], Fate::HandBack).await, Settled::Done);

    assert!(store.next(&ann, 9).await.is_empty());
    store.resume_job("bad").await;
    assert_eq!(store.next(&ann, 9).await, ["b2"]);
}
