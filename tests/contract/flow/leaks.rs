//! Nothing that keeps others away outlives the run that had it, whatever happens in whatever order.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::{Claim, Fate, List, Used};
use mosquito::{Concurrency, ConcurrencyUse, Flow, OnConflict, Priority, Unique, Until};
use mosquito_tests::Seed;

use super::{flowing, key, limit, of_tenant};
use crate::making::{Overseer, banish, reschedule, rescue_after, settlement};
use crate::store::Store;

facts! {
    ten_thousand_random_steps_leak_no_unique_key_and_no_slot,
}

const STEPS: usize = 10_000;
const KEYS: usize = 4;
const SLOTS: u32 = 2;
/// How long a key is kept that is kept for a time.
const KEPT: Duration = Duration::from_millis(20);

async fn ten_thousand_random_steps_leak_no_unique_key_and_no_slot(store: &Store) {
    let mut random = Seed::several(1)[0].begin();
    let overseers = ["ann", "bob", "cat"].map(Overseer::named);
    let mut held: Vec<Claim> = Vec::new();
    let mut enqueued = 0;
    for step in 0..STEPS {
        match random.usize(0..100) {
            0..38 => {
                let flow = any_flow(&mut random);
                store.enqueue(&[flowing(&format!("run-{enqueued}"), flow)]).await;
                enqueued += 1;
            }
            38..65 => {
                let overseer = &overseers[random.usize(0..overseers.len())];
                held.extend(store.claim(overseer, random.usize(1..4)).await);
            }
            65..90 => {
                if let Some(at) = random.choice(0..held.len()) {
                    let claim = held.swap_remove(at);
                    // Stale, if its overseer was taken for dead meanwhile.
                    store.settle(&[settlement(&claim, any_fate(&mut random))]).await;
                }
            }
            // Everybody dies; their claims are settled later all the same.
            90..94 => drop(store.rescue(&rescue_after(Duration::ZERO)).await),
            94..97 => {
                if let Some(clock) = store.clock() {
                    clock.step(1);
                }
                store.promote(5).await;
            }
            97..99 => drop(store.delete(&format!("run-{}", random.usize(0..enqueued.max(1)))).await),
            _ if random.usize(0..20) == 0 => {
                store.backend().flush(store.queue()).await.expect("it is emptied")
            }
            _ => drop(store.backend().prune(store.queue(), 3, Duration::from_secs(3_600), 100).await),
        }
        if step % 1_000 == 0 {
            no_more_than_the_slots_are_taken(store).await;
        }
    }

    everything_ends(store).await;

    for n in 0..KEYS {
        let holder =
            store.backend().holder(store.queue(), &key(&n.to_string())).await.expect("it is answered");
        assert_eq!(holder, None, "key {n} is free when no run is left");
        let report = store.backend().limit(store.queue(), &limit("letters"), &key(&n.to_string())).await;
        let used = report.expect("it is answered").concurrency;
        assert!(used.is_none_or(|used| used == Used { used: 0, limit: SLOTS }), "slots of {n}: {used:?}");
    }
}

fn any_flow(random: &mut Rng) -> Flow {
    let key_of = |random: &mut Rng| key(&random.usize(0..KEYS).to_string());
    let mut flow = match random.usize(0..3) {
        0 => of_tenant(&random.usize(0..KEYS).to_string(), 1),
        _ => Flow::default(),
    };
    flow.priority = Priority::new(random.u8(4..7)).expect("it is a level");
    if random.usize(0..3) > 0 {
        let untils = [Until::Start, Until::Finish, Until::StartThenWhileRunning, Until::For(KEPT)];
        let conflicts = [OnConflict::Return, OnConflict::Replace, OnConflict::Reject, OnConflict::KeepLatest];
        flow.unique = Some(Unique {
            key: key_of(random),
            until: untils[random.usize(0..untils.len())],
            on_conflict: conflicts[random.usize(0..conflicts.len())],
        });
    }
    if random.bool() {
        let rule = Concurrency { limit: SLOTS };
        flow.concurrency = Some(ConcurrencyUse { name: limit("letters"), key: key_of(random), rule });
    }
    if random.usize(0..10) == 0 {
        flow.expires = Some(Duration::from_millis(random.u64(1..50)));
    }
    flow
}

fn any_fate(random: &mut Rng) -> Fate {
    match random.usize(0..6) {
        0 => reschedule(Duration::ZERO),
        1 => banish(),
        2 => Fate::HandBack,
        _ => Fate::Forget,
    }
}

async fn no_more_than_the_slots_are_taken(store: &Store) {
    for n in 0..KEYS {
        let report = store.backend().limit(store.queue(), &limit("letters"), &key(&n.to_string())).await;
        if let Some(used) = report.expect("it is answered").concurrency {
            assert!(used.used <= SLOTS, "of key {n} {used:?} are taken");
        }
    }
}

/// Performs all that is left: nothing is held up for ever, and nothing is in the way of the next of a key.
async fn everything_ends(store: &Store) {
    let heir = Overseer::named("heir");
    while store.rescue(&rescue_after(Duration::ZERO)).await.more {}
    for _round in 0..10_000 {
        store.pass(KEPT).await;
        store.promote(1_000).await;
        let claims = store.claim(&heir, 1_000).await;
        for claim in &claims {
            store.settle_one(claim, Fate::Forget).await;
        }
        let sizes = store.sizes().await;
        if sizes.waiting + sizes.pending + sizes.scheduled == 0 {
            break;
        }
        assert!(!claims.is_empty() || sizes.scheduled > 0, "stuck: {sizes:?}");
    }
    let left = store.everything().await;
    let by_list = left.iter().fold(BTreeMap::<_, usize>::new(), |mut count, run| {
        *count.entry(run.list).or_default() += 1;
        count
    });
    assert!(left.iter().all(|run| run.list == List::Dead), "what is left is dead: {by_list:?}");
    store.pass(KEPT).await;
}
