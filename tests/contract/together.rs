//! Enqueued by many at once: to each its own answers, whatever becomes of the others.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use mosquito::backend::{Enqueued, List};
use mosquito::{Flow, FlowKey, NewRun, Priority, Unique};
use mosquito_tests::Seed;
use tokio::task::JoinSet;

use crate::making::{HOUR, run, run_id, run_in};
use crate::store::Store;

facts! {
    each_of_many_at_once_is_answered_for_its_own_runs,
    a_run_that_is_kept_away_changes_nothing_for_those_enqueued_at_once,
    callers_that_are_dropped_hold_up_nobody,
    callers_that_are_held_without_being_polled_hold_up_nobody;
    at_once:
    each_caller_keeps_its_own_order_among_many,
}

async fn each_of_many_at_once_is_answered_for_its_own_runs(store: &Store) {
    store.put(&["there"]).await;
    let runs = |n: usize| {
        let own = [run(&format!("now-{n}")), run("there"), run_in(&format!("later-{n}"), HOUR)];
        own[..=n % 3].to_vec()
    };

    let calls = (0..200).map(|n| async move { store.enqueue(&runs(n)).await });

    for (n, answers) in join_all(calls).await.into_iter().enumerate() {
        let new = |id: &str| Enqueued::New(run_id(&format!("{id}-{n}")));
        let expected = [new("now"), Enqueued::Duplicate(run_id("there")), new("later")];
        assert_eq!(answers, expected[..=n % 3], "caller {n}");
    }
    let sizes = store.sizes().await;
    assert_eq!((sizes.waiting, sizes.scheduled), (201, 66), "each run once, where it belongs");
}

async fn a_run_that_is_kept_away_changes_nothing_for_those_enqueued_at_once(store: &Store) {
    let unique = Unique::by(FlowKey::readable(&"digest").expect("text serializes"));
    let run_of = |n: usize| {
        let flow = match n % 4 {
            0 => Flow { unique: Some(unique.clone()), ..Flow::default() },
            1 => Flow { priority: Priority::FIRST, ..Flow::default() },
            _ => Flow::default(),
        };
        run(&format!("run-{n:03}")).flowing(flow)
    };

    let answers = join_all((0..120).map(|n| {
        let run = run_of(n);
        async move { store.enqueue(&[run]).await.remove(0) }
    }));

    let answers = answers.await;
    let (rivals, others): (Vec<_>, Vec<_>) = (0..120).partition(|n| n % 4 == 0);
    for n in others {
        assert_eq!(answers[n], Enqueued::New(run_of(n).id), "it has no rival");
    }
    let winners: Vec<_> = rivals.iter().filter(|n| answers[**n].is_new()).collect();
    let [winner] = winners[..] else { panic!("one of a key is enqueued, not {winners:?}") };
    for n in rivals.iter().filter(|n| *n != winner) {
        assert_eq!(answers[*n], Enqueued::Duplicate(run_of(*winner).id), "run {n} is told who keeps it away");
    }
    assert_eq!(store.sizes().await.waiting, 91);
}

async fn callers_that_are_dropped_hold_up_nobody(store: &Store) {
    store.put(&["first"]).await;
    for seed in Seed::several(3) {
        let mut random = seed.begin();
        let ids: Vec<_> = (0..100).map(|_| format!("run-{}", random.u64(..))).collect();
        let mut calls: Vec<_> = ids.iter().map(|id| Box::pin(call(store, run(id)))).collect();
        // Whoever goes first has its own call; where others gather, some were there before those who stay, and some behind.
        let answered: Vec<_> = calls.iter_mut().map(FutureExt::now_or_never).collect();
        let mut left = Vec::new();
        for ((call, answered), id) in calls.into_iter().zip(answered).zip(&ids) {
            match answered {
                Some(answer) => assert_eq!(answer, Enqueued::New(run_id(id))),
                None if random.bool() => drop(call),
                None => left.push(async move { (id, call.await) }),
            }
        }

        for (id, answer) in join_all(left).await {
            assert_eq!(answer, Enqueued::New(run_id(id)), "who stays is answered");
        }
        for id in &ids {
            let again = store.enqueue(&[run(id)]).await;
            assert_eq!(again[0].id().as_str(), id, "and who comes later");
        }
    }
    assert_eq!(
        store.list(List::Waiting).await.len(),
        Seed::several(3).len() * 100 + 1,
        "no run is there twice"
    );
}

async fn callers_that_are_held_without_being_polled_hold_up_nobody(store: &Store) {
    store.put(&["first"]).await;
    let ids: Vec<_> = (0..50).map(|n| format!("held-{n}")).collect();
    let mut held: Vec<_> = ids.iter().map(|id| Box::pin(call(store, run(id)))).collect();
    let mut held: Vec<_> = held.iter_mut().map(|call| (call.now_or_never(), call)).collect();

    for n in 0..20 {
        let late = format!("late-{n}");
        assert_eq!(
            store.enqueue(&[run(&late)]).await,
            [Enqueued::New(run_id(&late))],
            "nobody waits for them"
        );
    }

    for ((answered, call), id) in held.iter_mut().zip(&ids) {
        let answer = match answered.take() {
            Some(answer) => answer,
            None => call.await,
        };
        assert_eq!(answer, Enqueued::New(run_id(id)), "and they are answered when they are asked again");
    }
}

async fn each_caller_keeps_its_own_order_among_many(store: &Store) {
    let mut callers = JoinSet::new();
    for caller in 0..16 {
        let (backend, queue) = (Arc::clone(store.backend()), store.queue().clone());
        callers.spawn(async move {
            for n in 0..25 {
                let run = run(&format!("{caller:02}-{n:02}"));
                let answers = backend.enqueue(&queue, &[run]).await.expect("runs are enqueued");
                assert!(answers[0].is_new());
            }
        });
    }
    callers.join_all().await;

    let waiting = store.list(List::Waiting).await;

    assert_eq!(waiting.len(), 16 * 25);
    for caller in 0..16 {
        let prefix = format!("{caller:02}-");
        let own: Vec<_> = waiting.iter().filter(|id| id.starts_with(&prefix)).collect();
        assert!(own.is_sorted(), "what a caller enqueues after an answer waits behind: {own:?}");
    }
}

async fn call(store: &Store, run: NewRun) -> Enqueued {
    store.enqueue(&[run]).await.remove(0)
}
