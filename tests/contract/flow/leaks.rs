//! Nothing that keeps others away outlives the run that had it, whatever happens in whatever order: read past the backend, from the
//! data itself, since a call would take a key for free whose run is gone.

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use mosquito::backend::{Claim, Enqueued, Fate, List};
use mosquito::{Concurrency, ConcurrencyUse, Flow, OnConflict, Priority, RateKind, RateLimit, RateUse};
use mosquito::{Unique, Until, When};
use mosquito_tests::Seed;

use super::{flowing, key, limit, of_tenant};
use crate::making::{Overseer, banish, reschedule, rescue_after, run_id, run_when, settlement};
use crate::store::Store;

facts! {
    ten_thousand_random_steps_leak_no_unique_key_and_no_slot,
}

const STEPS: usize = 10_000;
/// After how many steps the data is looked at: a key that leaked is hidden by the next run of it.
const LOOK: usize = 50;
/// Of limits and tenants.
const KEYS: usize = 4;
/// Of unique runs, so many that some are free for a while.
const UNIQUE: usize = 10;
const SLOTS: u32 = 2;
/// How long a key is kept that is kept for a time, and the window of a rate limit.
const KEPT: Duration = Duration::from_millis(20);

/// What is no run's: leases of overseers, rules of limits, whose turn it is, that the queue was used, and signals and
/// words that nobody took.
const NO_RUNS: [&str; 8] = ["owners", "tickets", "rules", "turns", "queues", "wake", "due", "calls"];

/// In which a store keeps a time that was said.
const KEPT_WITH_A_TIME: [&str; 3] = ["unique", "fading", "unique_keys"];

async fn ten_thousand_random_steps_leak_no_unique_key_and_no_slot(store: &Store) {
    let mut random = Seed::several(1)[0].begin();
    let overseers = ["ann", "bob", "cat"].map(Overseer::named);
    let mut held: Vec<Claim> = Vec::new();
    let (mut enqueued, mut replaced) = (0, 0);
    for step in 0..STEPS {
        let any_run = |random: &mut Rng| format!("run-{}", random.usize(0..enqueued.max(1)));
        match random.usize(0..100) {
            0..32 => {
                let when = match random.usize(0..3) {
                    0 => When::After(Duration::from_millis(random.u64(0..60))),
                    _ => When::Now,
                };
                let run = run_when(&format!("run-{enqueued}"), when).flowing(any_flow(&mut random));
                let answer = store.enqueue(&[run]).await.remove(0);
                replaced += usize::from(matches!(answer, Enqueued::Replaced(_)));
                enqueued += 1;
            }
            32..58 => {
                let overseer = &overseers[random.usize(0..overseers.len())];
                held.extend(store.claim(overseer, random.usize(1..6)).await);
            }
            58..84 => {
                random.shuffle(&mut held);
                let some = held.split_off(held.len() - held.len().min(random.usize(1..4)));
                // Stale, if its overseer was taken for dead meanwhile.
                let some: Vec<_> = some.iter().map(|of| settlement(of, any_fate(&mut random))).collect();
                store.settle(&some).await;
            }
            // Everybody dies; their claims are settled later all the same.
            84..87 => drop(store.rescue(&rescue_after(Duration::ZERO)).await),
            87..95 => {
                if let Some(clock) = store.clock() {
                    clock.step(random.i64(0..10));
                }
                store.promote(5).await;
            }
            95..97 => drop(store.delete(&any_run(&mut random)).await),
            97..99 => {
                let id = run_id(&any_run(&mut random));
                store.backend().cancel(store.queue(), &[id]).await.expect("it is answered");
            }
            _ if random.usize(0..20) == 0 => {
                store.backend().flush(store.queue()).await.expect("it is emptied")
            }
            _ => drop(store.backend().prune(store.queue(), 3, Duration::from_secs(3_600), 100).await),
        }
        if step % LOOK == 0 {
            everything_held_is_held_by_a_run(store).await;
        }
    }
    assert!(replaced > 100, "only {replaced} were replaced");

    everything_ends(store).await;
    nothing_is_left(store).await;
    a_time_that_was_said_is_all_that_is_left_until_it_is_over(store).await;
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
            key: key(&random.usize(0..UNIQUE).to_string()),
            until: untils[random.usize(0..untils.len())],
            on_conflict: conflicts[random.usize(0..conflicts.len())],
        });
    }
    if random.bool() {
        let rule = Concurrency { limit: SLOTS };
        flow.concurrency = Some(ConcurrencyUse { name: limit("letters"), key: key_of(random), rule });
    }
    if random.usize(0..4) == 0 {
        let kinds = [RateKind::Sliding, RateKind::TokenBucket, RateKind::Fixed];
        let rule = RateLimit { limit: 4, per: KEPT, kind: kinds[random.usize(0..3)] };
        flow.rate =
            Some(RateUse { name: limit("parcels"), key: key_of(random), weight: random.u32(1..3), rule });
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

async fn everything_held_is_held_by_a_run(store: &Store) {
    let runs = store.everything().await;
    let lists: BTreeMap<&str, List> = runs.iter().map(|run| (run.id.as_str(), run.list)).collect();
    let beside = store.beside();
    for (key, (run, until)) in &beside.unique {
        let keeps = match lists.get(run.as_str()) {
            Some(list) => *list != List::Dead,
            None => until.is_some(),
        };
        assert!(keeps, "{key} is kept, until {until:?}, by {run}: {:?}", lists.get(run.as_str()));
    }
    let mut taken = BTreeMap::<_, u32>::new();
    for (slot, run) in &beside.slots {
        assert_eq!(lists.get(run.as_str()), Some(&List::Pending), "{slot} is taken by {run}");
        *taken.entry(slot).or_default() += 1;
    }
    for (slot, taken) in taken {
        let most = if slot.starts_with("letters/") { SLOTS } else { 1 };
        assert!(taken <= most, "{slot} is taken {taken} times");
    }
    let of_none: Vec<_> = beside.flows.iter().filter(|run| !lists.contains_key(run.as_str())).collect();
    assert!(of_none.is_empty(), "there are flows of no run: {of_none:?}");
}

/// Performs all that is left: nothing is held up for ever, and nothing is in the way of the next of a key.
async fn everything_ends(store: &Store) {
    let heir = Overseer::named("heir");
    while store.rescue(&rescue_after(Duration::ZERO)).await.more {}
    let mut idle = 0;
    while idle < 100 {
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
        idle = if claims.is_empty() { idle + 1 } else { 0 };
    }
    let left = store.everything().await;
    let by_list = left.iter().fold(BTreeMap::<_, usize>::new(), |mut count, run| {
        *count.entry(run.list).or_default() += 1;
        count
    });
    assert!(left.iter().all(|run| run.list == List::Dead), "what is left is dead: {by_list:?}");
    everything_held_is_held_by_a_run(store).await;
    while store.backend().prune(store.queue(), 0, Duration::ZERO, 1_000).await.expect("it is answered") > 0 {}
}

/// Once the times are over that were said.
async fn nothing_is_left(store: &Store) {
    // A sliding window remembers for two of its lengths; and a hundred are forgotten at a time.
    store.pass(3 * KEPT).await;
    for _ in 0..10 {
        store.promote(1_000).await;
    }
    let mut beside = store.beside();
    beside.others.retain(|other| !NO_RUNS.contains(&other.as_str()));
    let is_empty = beside.unique.is_empty() && beside.slots.is_empty() && beside.flows.is_empty();
    assert!(is_empty && beside.others.is_empty(), "left behind: {beside:?}");
}

async fn a_time_that_was_said_is_all_that_is_left_until_it_is_over(store: &Store) {
    // Longer than anything here takes on a server's clock.
    let time = Duration::from_secs(2);
    let unique = Unique { key: key("last"), until: Until::For(time), on_conflict: OnConflict::Return };
    let heir = Overseer::named("heir");
    store.enqueue(&[flowing("last", Flow { unique: Some(unique), ..Flow::default() })]).await;
    for claim in store.claim(&heir, 1).await {
        store.settle_one(&claim, Fate::Forget).await;
    }
    store.promote(1_000).await;

    let mut beside = store.beside();
    beside.others.retain(|other| !NO_RUNS.contains(&other.as_str()));
    let holders: Vec<_> = beside.unique.iter().map(|(key, (run, _))| (key.as_str(), run.as_str())).collect();
    assert_eq!(holders, [(key("last").as_str(), "last")], "{beside:?}");
    assert!(beside.slots.is_empty() && beside.flows.is_empty(), "{beside:?}");
    assert!(beside.others.iter().all(|other| KEPT_WITH_A_TIME.contains(&other.as_str())), "{beside:?}");
    store.pass(time).await;
    nothing_is_left(store).await;
}
