//! Signals: who waits is woken, and what was signalled while nobody waited is not lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mosquito::QueueName;
use mosquito::backend::{Backend, Fate, Overlap, Pause, Signal};

use crate::making::{HOUR, Overseer, queue, reschedule, rescue_after, run, run_in, tick};
use crate::store::Store;

facts! {
    who_waits_is_woken_by_an_enqueue_elsewhere,
    a_signal_before_the_wait_is_not_lost,
    a_wait_without_a_signal_ends_in_time,
    a_wait_of_no_time_ends_at_once,
    every_move_into_waiting_signals_work,
    an_earlier_scheduled_run_is_signalled,
    to_resume_signals_the_work_that_waits,
    a_wait_is_answered_for_its_queues_only,
    a_signal_is_of_one_kind,
    who_leaves_runs_behind_wakes_the_next;
    at_once:
    one_enqueue_wakes_one_of_many_waiters,
    who_waits_long_is_woken_soon,
}

/// Long enough for a signal to arrive on a busy machine, and the most that a lost one costs a test.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

async fn wait(store: &Store, signal: Signal, timeout: Duration) -> Option<QueueName> {
    let queues = [store.queue().clone()];
    store.backend().wait(signal, &queues, timeout).await.expect("a wait is answered")
}

/// Takes what was signalled until now, so that what comes next is news.
async fn hear_out(store: &Store) {
    for signal in [Signal::Work, Signal::Due] {
        for heard in 0.. {
            assert!(heard < 100, "{signal:?} is signalled without end");
            if wait(store, signal, SHORT).await.is_none() {
                break;
            }
        }
    }
}

async fn who_waits_is_woken_by_an_enqueue_elsewhere(store: &Store) {
    let mail = store.queue();

    let enqueue = async {
        tokio::time::sleep(SHORT).await;
        let _new = store.second().enqueue(mail, &[run("a")]).await.expect("it is enqueued");
    };
    let (woken, ()) = tokio::join!(wait(store, Signal::Work, PATIENCE), enqueue);

    assert_eq!(woken.as_ref(), Some(mail), "the wait is answered with the queue");
}

async fn a_signal_before_the_wait_is_not_lost(store: &Store) {
    store.put_runs(&[run("a"), run_in("b", HOUR)]).await;

    let work = wait(store, Signal::Work, PATIENCE).await;
    let due = wait(store, Signal::Due, PATIENCE).await;

    assert_eq!(work.as_ref(), Some(store.queue()), "it was kept for the one who waits next");
    assert_eq!(due.as_ref(), Some(store.queue()), "of either kind");
}

async fn a_wait_without_a_signal_ends_in_time(store: &Store) {
    let begin = tokio::time::Instant::now();

    let nothing = wait(store, Signal::Work, Duration::from_millis(300)).await;

    assert_eq!(nothing, None, "nothing happened");
    let waited = begin.elapsed();
    assert!(Duration::from_millis(250) <= waited && waited < PATIENCE, "it waited for {waited:?}");
    let nowhere = store.backend().wait(Signal::Work, &[], SHORT).await.expect("a wait is answered");
    assert_eq!(nowhere, None, "who waits for no queue waits for nothing");
}

async fn a_wait_of_no_time_ends_at_once(store: &Store) {
    let begin = Instant::now();

    let nothing = wait(store, Signal::Work, Duration::ZERO).await;

    assert_eq!(nothing, None, "nothing happened");
    assert!(begin.elapsed() < PATIENCE, "no time is not for ever: {:?}", begin.elapsed());
}

async fn every_move_into_waiting_signals_work(store: &Store) {
    let ann = Overseer::named("ann");
    let woken = |move_: &'static str| async move {
        let woken = wait(store, Signal::Work, PATIENCE).await;
        assert_eq!(woken.as_ref(), Some(store.queue()), "{move_} signals work");
    };

    store.put(&["a"]).await;
    woken("an enqueue").await;
    let claim = store.claim(&ann, 1).await.remove(0);
    hear_out(store).await;
    store.settle_one(&claim, Fate::HandBack).await;
    woken("a run handed back").await;
    let claim = store.claim(&ann, 1).await.remove(0);
    hear_out(store).await;
    store.settle_one(&claim, reschedule(Duration::ZERO)).await;
    hear_out(store).await;
    store.promote(1).await;
    woken("a promotion").await;
    store.claim(&ann, 1).await;
    hear_out(store).await;
    store.rescue(&rescue_after(Duration::ZERO)).await;
    woken("a rescue").await;
    store.claim(&ann, 1).await;
    hear_out(store).await;
    let recalled = store.backend().recall(store.queue(), &ann.ticket()).await;
    assert_eq!(recalled.expect("it is answered").len(), 1, "it has one");
    woken("a recall").await;
    store.claim(&ann, 1).await;
    hear_out(store).await;
    let recalled = store.backend().recall(store.queue(), &ann.ticket()).await;
    assert_eq!(recalled.expect("it is answered").len(), 1, "it has one");
    woken("a recall").await;
    store.claim(&ann, 1).await;
    hear_out(store).await;
    let at = store.now().await - HOUR;
    let ticked = store.backend().tick(store.queue(), &tick(at, Overlap::Skip)).await;
    assert!(ticked.is_ok(), "the job ticks: {ticked:?}");
    woken("a tick").await;
}

async fn an_earlier_scheduled_run_is_signalled(store: &Store) {
    let ann = Overseer::named("ann");
    store.put_runs(&[run_in("a", HOUR * 3)]).await;
    assert!(wait(store, Signal::Due, PATIENCE).await.is_some(), "the first is before all others");
    hear_out(store).await;

    store.put_runs(&[run_in("b", HOUR * 2)]).await;

    assert!(wait(store, Signal::Due, PATIENCE).await.is_some(), "an earlier one is news");
    let claim = store.claimed("c", &ann).await;
    hear_out(store).await;
    store.settle_one(&claim, reschedule(HOUR)).await;
    assert!(wait(store, Signal::Due, PATIENCE).await.is_some(), "also when it was rescheduled");
}

async fn to_resume_signals_the_work_that_waits(store: &Store) {
    store.backend().pause(&store.queue().into(), &Pause::new()).await.expect("a queue is paused");
    store.put(&["a"]).await;
    hear_out(store).await;

    store.backend().resume(&store.queue().into()).await.expect("a queue is resumed");

    assert!(wait(store, Signal::Work, PATIENCE).await.is_some(), "what waited can be claimed now");
}

async fn a_wait_is_answered_for_its_queues_only(store: &Store) {
    let (mail, bulk, other) = (store.queue().clone(), queue("bulk"), queue("other"));
    let backend = store.backend();
    let _new = backend.enqueue(&other, &[run("a")]).await.expect("it is enqueued");

    let nothing = backend.wait(Signal::Work, &[mail.clone(), bulk.clone()], SHORT).await;

    assert_eq!(nothing.expect("a wait is answered"), None, "nothing happened in these queues");
    let _new = backend.enqueue(&bulk, &[run("a")]).await.expect("it is enqueued");
    let woken = backend.wait(Signal::Work, &[mail, bulk.clone()], PATIENCE).await;
    assert_eq!(woken.expect("a wait is answered"), Some(bulk), "it is told in which one");
    let woken = backend.wait(Signal::Work, std::slice::from_ref(&other), PATIENCE).await;
    assert_eq!(woken.expect("a wait is answered"), Some(other), "and the signal of the other one is kept");
}

async fn a_signal_is_of_one_kind(store: &Store) {
    store.put_runs(&[run_in("later", HOUR)]).await;

    assert_eq!(wait(store, Signal::Work, SHORT).await, None, "nothing came to wait");
    assert!(wait(store, Signal::Due, PATIENCE).await.is_some(), "but something was scheduled");
}

async fn who_leaves_runs_behind_wakes_the_next(store: &Store) {
    store.put(&["a", "b", "c"]).await;
    hear_out(store).await;

    store.claim(&Overseer::named("ann"), 1).await;

    assert!(
        wait(store, Signal::Work, PATIENCE).await.is_some(),
        "one enqueue of three wakes three, one by one"
    );
}

async fn one_enqueue_wakes_one_of_many_waiters(store: &Store) {
    let waiters: Vec<_> = [store.backend(), store.second()]
        .into_iter()
        .cycle()
        .take(6)
        .map(|backend| spawn_waiter(backend, store.queue().clone(), Duration::from_secs(2)))
        .collect();

    store.put(&["a"]).await;

    let mut woken = 0;
    for waiter in waiters {
        woken += usize::from(waiter.await.expect("a waiter does not panic").is_some());
    }
    assert!(woken >= 1, "somebody is told");
}

fn spawn_waiter(
    backend: &Arc<dyn Backend>,
    queue: QueueName,
    timeout: Duration,
) -> tokio::task::JoinHandle<Option<QueueName>> {
    let backend = Arc::clone(backend);
    tokio::spawn(
        async move { backend.wait(Signal::Work, &[queue], timeout).await.expect("a wait is answered") },
    )
}

async fn who_waits_long_is_woken_soon(store: &Store) {
    let waiter = spawn_waiter(store.backend(), store.queue().clone(), PATIENCE);
    tokio::time::sleep(SHORT).await;
    let begin = Instant::now();

    let _new = store.second().enqueue(store.queue(), &[run("a")]).await.expect("it is enqueued");

    assert!(waiter.await.expect("a waiter does not panic").is_some(), "it is woken");
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(2), "and long before its wait would have ended: {took:?}");
}
