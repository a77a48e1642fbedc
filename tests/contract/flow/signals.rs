//! Who waits is told of what a limit lets go.

use std::time::Duration;

use mosquito::RateKind;
use mosquito::backend::{Fate, Pause, Signal};

use super::{a_second, at_once, priority};
use crate::making::{Overseer, rescue_after};
use crate::store::Store;

facts! {
    each_way_that_frees_a_slot_signals_work_to_who_waits_for_it,
    a_claim_that_holds_runs_up_signals_that_they_will_be_due,
    what_a_promotion_wakes_is_signalled,
    whoever_leaves_runs_with_a_flow_behind_wakes_the_next,
    to_resume_signals_runs_with_a_flow,
}

/// Long enough for a signal to arrive on a busy machine, and the most that a lost one costs a test.
const PATIENCE: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

async fn is_signalled(store: &Store, signal: Signal, timeout: Duration) -> bool {
    let queues = [store.queue().clone()];
    store.backend().wait(signal, &queues, timeout).await.expect("a wait is answered").is_some()
}

/// Takes what was signalled until now, so that what comes next is news.
async fn hear_out(store: &Store) {
    for signal in [Signal::Work, Signal::Due] {
        let mut heard = 0;
        while is_signalled(store, signal, SHORT).await {
            heard += 1;
            assert!(heard < 100, "{signal:?} is signalled without end");
        }
    }
}

async fn each_way_that_frees_a_slot_signals_work_to_who_waits_for_it(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2", "a3", "a4"].map(|id| (id, at_once(1, "a")))).await;
    for way in ["settled", "deleted", "rescued"] {
        let claimed = store.claim(&ann, 10).await;
        assert_eq!(claimed.len(), 1, "there is one slot");
        hear_out(store).await;

        match way {
            "settled" => drop(store.settle_one(&claimed[0], Fate::Forget).await),
            "deleted" => assert!(store.delete(claimed[0].id.as_str()).await, "it is there"),
            _ => drop(store.rescue(&rescue_after(Duration::ZERO)).await),
        }

        assert!(is_signalled(store, Signal::Work, PATIENCE).await, "{way}");
    }
}

async fn a_claim_that_holds_runs_up_signals_that_they_will_be_due(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2"].map(|id| (id, a_second(RateKind::Sliding, 1, "a")))).await;
    hear_out(store).await;

    store.claim(&ann, 10).await;

    assert!(is_signalled(store, Signal::Due, PATIENCE).await, "whoever promotes sleeps for longer");
}

async fn what_a_promotion_wakes_is_signalled(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow(["a1", "a2"].map(|id| (id, a_second(RateKind::Sliding, 1, "a")))).await;
    store.claim(&ann, 10).await;
    hear_out(store).await;
    store.pass(Duration::from_millis(1_050)).await;

    assert_eq!(store.promote(10).await.woken, 1);

    assert!(is_signalled(store, Signal::Work, PATIENCE).await, "it can be claimed");
}

async fn whoever_leaves_runs_with_a_flow_behind_wakes_the_next(store: &Store) {
    let ann = Overseer::named("ann");
    store.flow([("a", priority(3)), ("b", priority(3)), ("c", at_once(1, "a"))]).await;
    hear_out(store).await;
    for _ in 0..2 {
        store.claim(&ann, 1).await;

        assert!(is_signalled(store, Signal::Work, PATIENCE).await, "there is more");
    }
}

async fn to_resume_signals_runs_with_a_flow(store: &Store) {
    store.backend().pause(&store.queue().into(), &Pause::new()).await.expect("it is paused");
    store.flow([("a", priority(3))]).await;
    hear_out(store).await;

    store.backend().resume(&store.queue().into()).await.expect("it is resumed");

    assert!(is_signalled(store, Signal::Work, PATIENCE).await, "it can be claimed");
}
