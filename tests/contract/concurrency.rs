//! What holds while many act at the same time, over two handles on one store.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::time::Duration;

use mosquito::backend::{Backend, Enqueued, Fate, List, Overlap, Rescue, Settled, Ticked};
use mosquito_tests::Ledger;
use tokio::task::{JoinSet, yield_now};

use crate::making::{
    HOUR, Overseer, every_fate, numbered, reschedule, rescue_after, run_id, runs, settlement, settlements,
    tick,
};
use crate::store::Store;

facts! {
    ; at_once:
    two_claimants_never_get_the_same_run,
    an_id_is_enqueued_once_however_many_try,
    a_claim_is_settled_once_however_many_try,
    a_due_run_is_promoted_once_however_many_try,
    a_tick_is_enqueued_once_however_many_ask,
    a_silent_overseers_run_is_taken_back_once_however_many_try,
    one_of_many_becomes_the_leader,
    a_run_deleted_while_it_is_claimed_is_gone,
    an_id_deleted_and_enqueued_again_is_one_run_each_time,
}

const TASKS: usize = 8;

/// Has so many tasks do the same at once, half of them over each handle.
///
/// Their loops yield: memory is always ready, and a loop over it would go on after the deadline.
async fn at_once<F>(store: &Store, act: impl Fn(usize, Arc<dyn Backend>) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let backend = if task % 2 == 0 { store.backend() } else { store.second() };
        tasks.spawn(act(task, Arc::clone(backend)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task panics");
    }
}

async fn two_claimants_never_get_the_same_run(store: &Store) {
    let all = numbered(2_000);
    let ledger = Arc::new(Ledger::new());
    all.iter().for_each(|id| ledger.expect(id));
    store.put_runs(&runs(&all)).await;
    let mail = store.queue().clone();

    at_once(store, |task, backend| {
        let (ledger, mail) = (Arc::clone(&ledger), mail.clone());
        async move {
            let overseer = Overseer::named(&format!("overseer-{task}"));
            loop {
                yield_now().await;
                let claimed = backend.claim(&mail, &overseer.ticket(), 7).await.expect("it is answered");
                if claimed.runs.is_empty() {
                    break;
                }
                claimed.runs.iter().for_each(|claim| ledger.performed(&claim.id));
                let batch = settlements(&claimed.runs, &Fate::Forget);
                let settled = backend.settle(&mail, &batch).await.expect("it is answered");
                assert!(settled.iter().all(|one| *one == Settled::Done), "the claims stand: {settled:?}");
            }
        }
    })
    .await;

    ledger.assert_exact();
    assert_eq!(store.sizes().await.total(), 0, "all is done");
}

async fn an_id_is_enqueued_once_however_many_try(store: &Store) {
    let (batches, mail) = (numbered(300), store.queue().clone());
    let ledger = Arc::new(Ledger::new());
    batches.iter().for_each(|id| ledger.expect(id));

    at_once(store, |_, backend| {
        let (ledger, mail, batches) = (Arc::clone(&ledger), mail.clone(), batches.clone());
        async move {
            for batch in batches.chunks(10) {
                let answers = backend.enqueue(&mail, &runs(batch)).await.expect("it is answered");
                answers.iter().filter(|answer| answer.is_new()).for_each(|new| ledger.performed(new.id()));
            }
        }
    })
    .await;

    ledger.assert_exact();
    let mut waiting = store.list(List::Waiting).await;
    waiting.sort();
    assert_eq!(waiting, batches, "each stands in the queue once");
}

async fn a_claim_is_settled_once_however_many_try(store: &Store) {
    let all = numbered(200);
    store.put_runs(&runs(&all)).await;
    let claims = store.claim(&Overseer::named("ann"), all.len()).await;
    let (done, mail) = (Arc::new(AtomicUsize::new(0)), store.queue().clone());

    at_once(store, |task, backend| {
        let (done, mail, claims) = (Arc::clone(&done), mail.clone(), claims.clone());
        async move {
            for (n, claim) in claims.iter().enumerate() {
                let fates = every_fate();
                let fate = fates[(task + n) % fates.len()].clone();
                let settled = backend.settle(&mail, &[settlement(claim, fate)]).await;
                let settled = settled.expect("it is answered");
                done.fetch_add(usize::from(settled == [Settled::Done]), Ordering::Relaxed);
            }
        }
    })
    .await;

    assert_eq!(done.load(Ordering::Relaxed), all.len(), "one settlement of each claim is done");
    assert_eq!(store.sizes().await.pending, 0, "and no run is left pending");
}

async fn a_due_run_is_promoted_once_however_many_try(store: &Store) {
    let all = numbered(500);
    store.put_runs(&runs(&all)).await;
    let claims = store.claim(&Overseer::named("ann"), all.len()).await;
    store.settle(&settlements(&claims, &reschedule(Duration::ZERO))).await;
    let (moved, mail) = (Arc::new(AtomicUsize::new(0)), store.queue().clone());

    at_once(store, |_, backend| {
        let (moved, mail) = (Arc::clone(&moved), mail.clone());
        async move {
            loop {
                yield_now().await;
                let promoted = backend.promote(&mail, 9).await.expect("it is answered");
                moved.fetch_add(promoted.moved, Ordering::Relaxed);
                if promoted.next_due.is_none() {
                    break;
                }
            }
        }
    })
    .await;

    assert_eq!(moved.load(Ordering::Relaxed), all.len(), "the answers count each run once");
    assert_eq!(
        store.list(List::Waiting).await,
        all,
        "in the order of their due times, and then of their ids"
    );
}

async fn a_tick_is_enqueued_once_however_many_ask(store: &Store) {
    let begin = store.now().await - chrono::TimeDelta::hours(1);
    let ticks: Vec<_> = (0..30).map(|n| begin + chrono::TimeDelta::minutes(n)).collect();
    let (ledger, mail) = (Arc::new(Ledger::new()), store.queue().clone());

    at_once(store, |_, backend| {
        let (ledger, mail, ticks) = (Arc::clone(&ledger), mail.clone(), ticks.clone());
        async move {
            for at in ticks {
                match backend.tick(&mail, &tick(at, Overlap::Allow)).await.expect("it is answered") {
                    Ticked::Enqueued(id) => ledger.performed(id),
                    // Somebody else was first, perhaps with a later one.
                    Ticked::Stale => (),
                    other => panic!("{other:?} is no answer to a tick that has been"),
                }
            }
        }
    })
    .await;

    let waiting = store.list(List::Waiting).await;
    waiting.iter().for_each(|id| ledger.expect(id));
    ledger.assert_exact();
    assert!(waiting.is_sorted(), "the ticks are in their order: {waiting:?}");
    let last = tick(ticks[29], Overlap::Allow).run.expect("a tick has a run").id.to_string();
    assert_eq!(waiting.last(), Some(&last), "the last one is there");
}

async fn a_silent_overseers_run_is_taken_back_once_however_many_try(store: &Store) {
    let all = numbered(500);
    let ledger = Arc::new(Ledger::new());
    all.iter().for_each(|id| ledger.expect(id));
    store.put_runs(&runs(&all)).await;
    for name in ["ann", "bob", "eve"] {
        store.claim(&Overseer::named(name), 200).await;
    }
    let (rescue, mail) = (Rescue { at_most: 9, ..rescue_after(Duration::ZERO) }, store.queue().clone());

    at_once(store, |_, backend| {
        let (ledger, mail) = (Arc::clone(&ledger), mail.clone());
        async move {
            loop {
                yield_now().await;
                let rescued = backend.rescue(&mail, &rescue).await.expect("it is answered");
                rescued.rescued.iter().for_each(|id| ledger.performed(id));
                if !rescued.more {
                    break;
                }
            }
        }
    })
    .await;

    ledger.assert_exact();
    let runs = store.everything().await;
    assert!(runs.iter().all(|run| run.list == List::Waiting), "all wait again");
    assert!(runs.iter().all(|run| run.history.crashes == 1), "and saw one death each");
}

async fn one_of_many_becomes_the_leader(store: &Store) {
    let leaders = Arc::new(AtomicUsize::new(0));

    at_once(store, |task, backend| {
        let leaders = Arc::clone(&leaders);
        async move {
            let overseer = Overseer::named(&format!("overseer-{task}"));
            for _ in 0..20 {
                let led = backend.lead(&overseer.id, HOUR).await.expect("it is answered");
                if led.is_some() {
                    leaders.fetch_or(1 << task, Ordering::Relaxed);
                }
            }
        }
    })
    .await;

    assert_eq!(leaders.load(Ordering::Relaxed).count_ones(), 1, "one leads and stays the leader");
}

async fn a_run_deleted_while_it_is_claimed_is_gone(store: &Store) {
    let all = numbered(300);
    store.put_runs(&runs(&all)).await;
    let (done, mail) = (Arc::new(Ledger::new()), store.queue().clone());

    at_once(store, |task, backend| {
        let (done, mail, all) = (Arc::clone(&done), mail.clone(), all.clone());
        async move {
            if task < TASKS / 2 {
                for id in all.iter().skip(task).step_by(TASKS / 2) {
                    let id = run_id(id);
                    if backend.delete(&mail, &id).await.expect("it is answered") {
                        done.performed(id);
                    }
                }
                return;
            }
            let overseer = Overseer::named(&format!("overseer-{task}"));
            loop {
                yield_now().await;
                let claims = backend.claim(&mail, &overseer.ticket(), 3).await.expect("it is answered").runs;
                if claims.is_empty() {
                    break;
                }
                let batch = settlements(&claims, &Fate::Forget);
                let settled = backend.settle(&mail, &batch).await.expect("it is answered");
                for (claim, settled) in claims.iter().zip(settled) {
                    if settled == Settled::Done {
                        done.performed(&claim.id);
                    }
                }
            }
        }
    })
    .await;

    all.iter().for_each(|id| done.expect(id));
    // Either it was deleted or it was settled: never both, and never neither.
    done.assert_exact();
    assert_eq!(store.sizes().await.total(), 0, "nothing is left");
    let again = store.enqueue(&runs(&all[..10])).await;
    assert!(again.iter().all(Enqueued::is_new), "nothing is left behind under the ids: {again:?}");
}

async fn an_id_deleted_and_enqueued_again_is_one_run_each_time(store: &Store) {
    // Few ids, so that one is often deleted while another task holds or settles it.
    let (all, mail) = (numbered(5), store.queue().clone());
    let balance: Arc<[AtomicIsize; 5]> = Arc::default();
    let lives = Arc::new(AtomicUsize::new(0));

    at_once(store, |task, backend| {
        let (balance, lives, mail, all) =
            (Arc::clone(&balance), Arc::clone(&lives), mail.clone(), all.clone());
        async move {
            let overseer = Overseer::named(&format!("overseer-{task}"));
            let number = |id: &str| id[4..].parse::<usize>().expect("an id ends with its number");
            for round in 0..60 {
                let id = &all[(round + task) % all.len()];
                let new =
                    backend.enqueue(&mail, &runs(std::slice::from_ref(id))).await.expect("it is answered");
                if new[0].is_new() {
                    lives.fetch_add(1, Ordering::Relaxed);
                    balance[number(id)].fetch_add(1, Ordering::SeqCst);
                }
                let claims = backend.claim(&mail, &overseer.ticket(), 2).await.expect("it is answered").runs;
                if backend.delete(&mail, &run_id(id)).await.expect("it is answered") {
                    balance[number(id)].fetch_sub(1, Ordering::SeqCst);
                }
                let fate = every_fate()[round % 4].clone();
                let batch = settlements(&claims, &fate);
                let settled = backend.settle(&mail, &batch).await.expect("it is answered");
                for (claim, settled) in claims.iter().zip(settled) {
                    if settled == Settled::Done && fate == Fate::Forget {
                        balance[number(claim.id.as_str())].fetch_sub(1, Ordering::SeqCst);
                    }
                }
            }
        }
    })
    .await;

    let left = store.everything().await;
    for (id, balance) in all.iter().zip(balance.iter()) {
        let standing = left.iter().filter(|run| run.id.as_str() == id).count().cast_signed();
        let balance = balance.load(Ordering::SeqCst);
        assert_eq!(standing, balance, "{id}: what was enqueued and neither deleted nor forgotten is there");
    }
    assert!(lives.load(Ordering::Relaxed) > 2 * all.len(), "the ids were used again and again");
}
