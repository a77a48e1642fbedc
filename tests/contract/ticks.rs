//! The schedules of periodic jobs: each tick once, whoever asks.

use std::time::Duration;

use mosquito::backend::{Fate, List, Overlap, Settled, Tick, Ticked};
use mosquito::{RunId, Timestamp, When};

use crate::making::{HOUR, Overseer, banish, job, queue, reschedule, run, run_in, tick, tick_of};
use crate::store::Store;

facts! {
    a_job_asked_for_the_first_time_ticked_now,
    a_look_at_a_schedule_begins_none,
    the_time_is_told_without_a_queue,
    the_last_tick_is_the_one_advanced_to,
    a_tick_enqueues_its_run_once,
    a_tick_in_the_future_is_early_and_changes_nothing,
    an_older_tick_is_stale,
    a_tick_without_a_run_only_advances,
    a_tick_of_a_job_never_asked_for_is_taken,
    an_unfinished_run_lets_the_next_tick_pass,
    a_finished_run_lets_the_next_tick_come,
    overlap_is_allowed_when_it_is_asked_for,
    a_tick_whose_run_is_there_already_passes,
    a_ticks_run_may_be_for_later,
    each_job_and_each_queue_has_its_own_schedule,
}

/// Some minutes before now: ticks that have been.
async fn minutes_ago(store: &Store, minutes: i64) -> Timestamp {
    let now = store.now().await.timestamp_millis();
    Timestamp::from_timestamp_millis(now - now % 60_000 - minutes * 60_000).expect("it is this year")
}

async fn ticked(store: &Store, tick: &Tick) -> Ticked {
    store.backend().tick(store.queue(), tick).await.expect("a tick is answered")
}

async fn last_tick(store: &Store, name: &str) -> Timestamp {
    store.backend().last_tick(store.queue(), &job(name)).await.expect("a schedule is told").at
}

fn id_at(at: Timestamp) -> RunId {
    RunId::of_tick(&job("report"), at)
}

async fn a_job_asked_for_the_first_time_ticked_now(store: &Store) {
    let before = store.now().await;

    let first = store.backend().last_tick(store.queue(), &job("report")).await.expect("it is told");
    store.pass(Duration::from_millis(20)).await;
    let second = store.second().last_tick(store.queue(), &job("report")).await.expect("it is told");

    assert!(before <= first.at && first.at <= first.now, "{first:?} is anchored when it is asked for");
    assert_eq!(second.at, first.at, "and stays there");
    assert!(second.now > first.now, "while time goes on");
    let earlier = tick(first.at - chrono::TimeDelta::milliseconds(1), Overlap::Skip);
    assert_eq!(ticked(store, &earlier).await, Ticked::Stale, "what was before is not made up for");
}

async fn a_look_at_a_schedule_begins_none(store: &Store) {
    let look = async || {
        let looked = store.second().ticked(store.queue(), &job("report")).await;
        looked.expect("a schedule is looked at")
    };

    assert_eq!(look().await, None, "nobody asked for it");
    assert_eq!(look().await, None, "and who only looks does not");
    assert!(store.backend().queues().await.expect("they are told").is_empty(), "nor is there a queue of it");
    let begun = last_tick(store, "report").await;
    assert_eq!(look().await, Some(begun));
    store.pass(Duration::from_millis(20)).await;
    let at = store.now().await;
    ticked(store, &tick(at, Overlap::Skip)).await;
    assert_eq!(look().await, Some(at), "the one it was advanced to");
    let other = store.second().ticked(&queue("other"), &job("report")).await;
    assert_eq!(other.expect("it is looked at"), None, "each queue has its own");
}

async fn the_time_is_told_without_a_queue(store: &Store) {
    let before = store.backend().now().await.expect("the time is told");
    store.pass(Duration::from_millis(20)).await;
    let after = store.second().now().await.expect("the time is told");

    let passed = (after - before).num_milliseconds();
    assert!((20..30_000).contains(&passed), "{passed} ms");
    // Servers of a cluster on one machine share its clock.
    let of_a_queue = (store.now().await - after).num_milliseconds();
    assert!((0..30_000).contains(&of_a_queue), "{of_a_queue} ms later");
}

async fn the_last_tick_is_the_one_advanced_to(store: &Store) {
    let (first, second) = (minutes_ago(store, 2).await, minutes_ago(store, 1).await);

    for at in [first, second] {
        ticked(store, &tick(at, Overlap::Allow)).await;
        assert_eq!(last_tick(store, "report").await, at, "not the time at which it was asked for");
    }

    let claims = store.claim(&Overseer::named("ann"), 5).await;
    let expected = [id_at(first), id_at(second)];
    assert_eq!(claims.iter().map(|claim| claim.id.clone()).collect::<Vec<_>>(), expected, "each has its run");
}

async fn a_tick_enqueues_its_run_once(store: &Store) {
    let at = minutes_ago(store, 1).await;

    let first = ticked(store, &tick(at, Overlap::Allow)).await;
    let again = ticked(store, &tick(at, Overlap::Allow)).await;
    let elsewhere = store.second().tick(store.queue(), &tick(at, Overlap::Skip)).await;

    assert_eq!(first, Ticked::Enqueued(id_at(at)), "its id follows from the job and the tick");
    assert_eq!(again, Ticked::Stale, "the second who asks is told so");
    assert_eq!(elsewhere.expect("it is answered"), Ticked::Stale, "wherever it is");
    assert_eq!(store.list(List::Waiting).await, [id_at(at).as_str()], "there is one run");
    store.delete(id_at(at).as_str()).await;
    assert_eq!(ticked(store, &tick(at, Overlap::Allow)).await, Ticked::Stale, "also when its run is gone");
}

async fn a_tick_in_the_future_is_early_and_changes_nothing(store: &Store) {
    let (now, past) = (store.now().await, minutes_ago(store, 1).await);
    ticked(store, &tick(past, Overlap::Allow)).await;

    let early = ticked(store, &tick(now + chrono::TimeDelta::hours(1), Overlap::Allow)).await;
    let unknown = ticked(store, &tick_of("unknown", now + chrono::TimeDelta::hours(1), Overlap::Allow)).await;

    assert_eq!([early, unknown], [Ticked::Early, Ticked::Early], "by the backend's clock");
    assert_eq!(last_tick(store, "report").await, past, "the schedule stands where it stood");
    assert_eq!(store.sizes().await.total(), 1, "and nothing is enqueued");
    assert!(last_tick(store, "unknown").await < now + chrono::TimeDelta::hours(1), "nor begun");
}

async fn an_older_tick_is_stale(store: &Store) {
    ticked(store, &tick(minutes_ago(store, 3).await, Overlap::Allow)).await;

    let older = ticked(store, &tick(minutes_ago(store, 4).await, Overlap::Allow)).await;
    let passing = Tick { run: None, ..tick(minutes_ago(store, 4).await, Overlap::Allow) };

    assert_eq!(older, Ticked::Stale, "a schedule only goes forward");
    assert_eq!(ticked(store, &passing).await, Ticked::Stale, "with a run or without");
    assert_eq!(last_tick(store, "report").await, minutes_ago(store, 3).await, "and is where it was");
    assert_eq!(store.sizes().await.total(), 1, "nothing is enqueued");
}

async fn a_tick_without_a_run_only_advances(store: &Store) {
    let at = minutes_ago(store, 1).await;

    let passed = ticked(store, &Tick { run: None, ..tick(at, Overlap::Skip) }).await;

    assert_eq!(passed, Ticked::Passed, "there is nothing to enqueue");
    assert_eq!(last_tick(store, "report").await, at, "the schedule advances");
    assert_eq!(store.sizes().await.total(), 0, "alone");
    assert_eq!(ticked(store, &tick(at, Overlap::Skip)).await, Ticked::Stale, "and that tick is over");
}

async fn a_tick_of_a_job_never_asked_for_is_taken(store: &Store) {
    let at = minutes_ago(store, 60 * 24 * 365).await;

    assert_eq!(
        ticked(store, &tick(at, Overlap::Skip)).await,
        Ticked::Enqueued(id_at(at)),
        "however old it is"
    );
}

async fn an_unfinished_run_lets_the_next_tick_pass(store: &Store) {
    let ann = Overseer::named("ann");
    let first = minutes_ago(store, 9).await;
    assert_eq!(
        ticked(store, &tick(first, Overlap::Skip)).await,
        Ticked::Enqueued(id_at(first)),
        "it is the first"
    );

    let waiting = minutes_ago(store, 8).await;
    assert_eq!(ticked(store, &tick(waiting, Overlap::Skip)).await, Ticked::Passed, "it waits");
    assert_eq!(last_tick(store, "report").await, waiting, "the schedule advances all the same");
    let claim = store.claim(&ann, 1).await.remove(0);
    let pending = minutes_ago(store, 7).await;
    assert_eq!(ticked(store, &tick(pending, Overlap::Skip)).await, Ticked::Passed, "it is pending");
    store.settle_one(&claim, reschedule(HOUR)).await;
    let scheduled = minutes_ago(store, 6).await;
    assert_eq!(ticked(store, &tick(scheduled, Overlap::Skip)).await, Ticked::Passed, "it is to be retried");

    assert_eq!(store.sizes().await.total(), 1, "there is no other run all the while");
}

async fn a_finished_run_lets_the_next_tick_come(store: &Store) {
    let ann = Overseer::named("ann");
    let mut minutes = 20;
    for end in [Some(Fate::Forget), Some(banish()), None] {
        minutes -= 1;
        let at = minutes_ago(store, minutes).await;

        let answer = ticked(store, &tick(at, Overlap::Skip)).await;

        assert_eq!(
            answer,
            Ticked::Enqueued(id_at(at)),
            "the one before is finished; this one ends by {end:?}"
        );
        let claim = store.claim(&ann, 1).await.remove(0);
        match end {
            Some(fate) => assert_eq!(store.settle_one(&claim, fate).await, Settled::Done, "its claim stands"),
            None => assert!(store.delete(claim.id.as_str()).await, "it is deleted while it is performed"),
        }
    }
    let at = minutes_ago(store, 1).await;
    let answer = ticked(store, &tick(at, Overlap::Skip)).await;
    assert_eq!(answer, Ticked::Enqueued(id_at(at)), "a deleted run is finished too");
    assert_eq!(store.sizes().await.dead, 1, "the dead run is nobody's concern");
}

async fn overlap_is_allowed_when_it_is_asked_for(store: &Store) {
    let mut expected = Vec::new();
    for minutes in [3, 2, 1] {
        let at = minutes_ago(store, minutes).await;
        assert_eq!(
            ticked(store, &tick(at, Overlap::Allow)).await,
            Ticked::Enqueued(id_at(at)),
            "beside the others"
        );
        expected.push(id_at(at).to_string());
    }

    assert_eq!(store.list(List::Waiting).await, expected, "three runs of one job");
}

async fn a_tick_whose_run_is_there_already_passes(store: &Store) {
    let at = minutes_ago(store, 1).await;
    store.put(&[id_at(at).as_str()]).await;
    let before = store.everything().await;

    let answer = ticked(store, &tick(at, Overlap::Skip)).await;

    assert_eq!(answer, Ticked::Passed, "no run was enqueued");
    assert_eq!(store.everything().await, before, "the one that is there stays as it is");
    assert_eq!(last_tick(store, "report").await, at, "and the schedule advances");
}

async fn a_ticks_run_may_be_for_later(store: &Store) {
    let at = minutes_ago(store, 1).await;
    let id = id_at(at);

    let answer =
        ticked(store, &Tick { run: Some(run_in(id.as_str(), HOUR)), ..tick(at, Overlap::Skip) }).await;

    assert_eq!(answer, Ticked::Enqueued(id.clone()), "it is enqueued");
    assert_eq!(store.list(List::Scheduled).await, [id.as_str()], "as its time says");
    let next = minutes_ago(store, 0).await;
    assert_eq!(ticked(store, &tick(next, Overlap::Skip)).await, Ticked::Passed, "and is unfinished");
}

async fn each_job_and_each_queue_has_its_own_schedule(store: &Store) {
    let (at, other) = (minutes_ago(store, 1).await, queue("other"));
    ticked(store, &tick(at, Overlap::Skip)).await;

    let job = ticked(store, &tick_of("sweep", at, Overlap::Skip)).await;
    let elsewhere = store.backend().tick(&other, &tick(at, Overlap::Skip)).await.expect("it is answered");

    assert!(matches!(job, Ticked::Enqueued(_)), "another job ticks by itself: {job:?}");
    assert_eq!(elsewhere, Ticked::Enqueued(id_at(at)), "and so does the same job in another queue");
    let ordinary = run("ordinary");
    assert_eq!(ordinary.when, When::Now, "a run that is no tick");
    store.put_runs(&[ordinary]).await;
    let next = ticked(store, &tick(minutes_ago(store, 0).await, Overlap::Skip)).await;
    assert_eq!(next, Ticked::Passed, "only the job's own run counts as unfinished");
}
