//! What holds in every state, whatever happened before.

use mosquito::Clock;
use mosquito::backend::memory::{Checkpoint, Memory};
use mosquito::backend::{Backend, ClaimToken, Fate, Lease, List, Rescue, Settled, Settlement};
use mosquito::{History, OverseerId, RunId};

use super::act::STEP;
use super::ledger::{Entry, Place};
use super::world::{MAX_CRASHES, World};
use crate::making::Overseer;

/// Checks a state of the store against what the world knows.
pub(super) async fn check(world: &World, checkpoint: &Checkpoint, clock: &Clock) {
    let copy = || Memory::from_checkpoint(checkpoint, clock.clone());
    each_run_stands_where_it_should(world, &copy()).await;
    no_old_claim_settles_anything(world, &copy(), checkpoint).await;
    nobody_believes_to_have_what_another_has(world);
    who_holds_a_claim_that_stands_can_keep_it(world, &copy()).await;
    with_everybody_dead_everything_is_performed(world, &copy(), clock).await;
}

/// In one list, the one that it was put into last; with its attempts and crashes; or it was taken away by a claim that stood.
pub(super) async fn each_run_stands_where_it_should(world: &World, store: &dyn Backend) {
    let mut seen = Vec::new();
    for list in List::ALL {
        for run in store.page(&world.queue, list, 0, 10).await.expect("a page is read") {
            seen.push((run.id, list, run.overseer, run.history.attempts, run.history.crashes));
        }
    }
    seen.sort();
    let expected: Vec<_> = world.ledger.runs.iter().map(|(id, entry)| expected(id, entry)).collect();
    assert_eq!(seen, expected, "each run stands in one list, and none is lost");
}

fn expected(id: &RunId, entry: &Entry) -> (RunId, List, Option<OverseerId>, u32, u32) {
    let (list, overseer) = match &entry.place {
        Place::Waiting => (List::Waiting, None),
        Place::Scheduled(_) => (List::Scheduled, None),
        Place::Pending { overseer, .. } => (List::Pending, Some(overseer.clone())),
        Place::Dead => (List::Dead, None),
    };
    (id.clone(), list, overseer, entry.attempts, entry.crashes)
}

async fn no_old_claim_settles_anything(world: &World, store: &Memory, before: &Checkpoint) {
    let ledger = &world.ledger;
    let mut old = Vec::new();
    for (token, id) in &ledger.claims {
        let token = ClaimToken(token.clone());
        if !ledger.stands(id, &token) {
            let fates = [
                Fate::Forget,
                Fate::Reschedule { delay: STEP, history: History::default() },
                Fate::Banish { history: History::default() },
                Fate::HandBack,
            ];
            old.extend(fates.map(|fate| Settlement { id: id.clone(), token: token.clone(), fate }));
        }
    }
    let answers = store.settle(&world.queue, &old).await.expect("it is answered");
    assert!(answers.iter().all(|answer| *answer == Settled::Stale), "{old:?}: {answers:?}");
    assert!(old.is_empty() || store.checkpoint() == *before, "and nothing has changed");
}

fn nobody_believes_to_have_what_another_has(world: &World) {
    let [first, second] = &world.overseers;
    for hold in &first.holds {
        let shared = second.holds.iter().any(|other| (&other.id, &other.token) == (&hold.id, &hold.token));
        assert!(!shared, "{hold:?} is held by both");
    }
}

/// An overseer whose claim stands is not taken for another one: its beat finds the lease, or it is being taken back.
async fn who_holds_a_claim_that_stands_can_keep_it(world: &World, store: &Memory) {
    for overseer in &world.overseers {
        if overseer.holds.iter().any(|hold| world.ledger.stands(&hold.id, &hold.token)) {
            let lease =
                store.beat(&overseer.id(), std::slice::from_ref(&world.queue)).await.expect("it is answered")
                    [0];
            let is_condemned = world.ledger.is_condemned(&overseer.id());
            assert_eq!(lease == Lease::Held, !is_condemned, "{overseer:?} holds what stands");
        }
    }
}

/// Nothing is stuck: were all overseers gone for ever, another one would perform whatever is not dead.
async fn with_everybody_dead_everything_is_performed(world: &World, store: &Memory, clock: &Clock) {
    let (queue, ledger) = (&world.queue, &world.ledger);
    let two_steps = 2 * i64::try_from(STEP.as_millis()).expect("it is an hour or so");
    clock.step(two_steps);
    let rescue = Rescue { dead_after: STEP, max_crashes: MAX_CRASHES, at_most: 1, not_after: None };
    for call in 0.. {
        assert!(call < 5, "a rescue comes to its end");
        if !store.rescue(queue, &rescue).await.expect("it is answered").more {
            break;
        }
    }
    store.promote(queue, 10).await.expect("it is answered");
    let heir = Overseer::named("heir");
    let claims = store.claim(queue, &heir.numbered_ticket(1), 10).await.expect("it is answered").runs;
    let mut performed: Vec<_> = claims.iter().map(|claim| claim.id.clone()).collect();
    performed.sort();
    let viable = |entry: &Entry| match entry.place {
        Place::Dead => false,
        Place::Pending { .. } => !entry.marked && entry.crashes + 1 < MAX_CRASHES,
        Place::Waiting | Place::Scheduled(_) => true,
    };
    let expected: Vec<_> =
        ledger.runs.iter().filter(|(_, entry)| viable(entry)).map(|(id, _)| id.clone()).collect();
    assert_eq!(performed, expected, "whatever is not dead is performed");
    let batch: Vec<_> = claims
        .into_iter()
        .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::Forget })
        .collect();
    let settled = store.settle(queue, &batch).await.expect("it is answered");
    assert!(settled.iter().all(|answer| *answer == Settled::Done), "and settled: {settled:?}");
    let sizes = store.sizes(queue).await.expect("sizes are told");
    let unwanted = ledger.runs.values().filter(|entry| entry.marked).count();
    assert_eq!(sizes.total(), ledger.runs.len() - expected.len() - unwanted, "what is left is dead");
    assert_eq!(sizes.total(), sizes.dead, "and nothing else");
    clock.step(-two_steps);
}
