//! From `pending` to where the fate says, and only while the claim stands.

use std::time::Duration;

use mosquito::History;
use mosquito::backend::{BATCH_LIMIT, ClaimToken, Fate, List, Settled, Settlement};

use crate::making::{
    HOUR, Overseer, banish, every_fate, failed, ids, numbered, reschedule, rescue_after, run_id, runs,
    settlement, settlements,
};
use crate::store::Store;

facts! {
    a_forgotten_run_is_gone,
    a_rescheduled_run_is_due_after_its_delay_on_the_backends_clock,
    a_rescheduled_run_stands_in_scheduled_even_without_a_delay,
    a_banished_run_is_dead_from_now_on,
    a_run_handed_back_stands_in_front_as_if_never_claimed,
    runs_handed_back_together_keep_their_order,
    a_batch_is_answered_item_by_item,
    a_full_batch_is_settled_in_one_call,
    a_repeated_settlement_is_stale_whatever_its_fate,
    a_claim_settled_twice_in_one_call_is_settled_once,
    a_settlement_with_another_token_is_stale_whatever_its_fate,
    a_settlement_of_an_earlier_claim_is_stale_whatever_its_fate,
    a_settlement_after_a_rescue_is_stale_whatever_its_fate,
    a_settlement_of_an_unknown_run_is_stale,
    a_history_is_stored_as_it_is_given,
}

/// With the attempts that were used up.
const LOGGED: &str = r#"{"attempts":2,"error":"no","log":[
    {"n":1,"at":1700000000123,"by":"ann","v":3,"how":"timed_out","why":["no","\u0000 \"'\\"]},
    {"n":2,"at":1700000009999,"by":"bob","how":"died"}]}"#;

async fn a_forgotten_run_is_gone(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;

    assert_eq!(store.settle_one(&claim, Fate::Forget).await, Settled::Done, "the claim stands");

    assert_eq!(store.find("a").await, None, "no trace is left");
    assert_eq!(store.sizes().await.total(), 0, "in no list");
}

async fn a_rescheduled_run_is_due_after_its_delay_on_the_backends_clock(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.pass(Duration::from_millis(50)).await;
    let before = store.now().await;

    assert_eq!(store.settle_one(&claim, reschedule(HOUR)).await, Settled::Done, "the claim stands");

    let (after, stored) = (store.now().await, store.find("a").await.expect("it is there"));
    assert_eq!((stored.list, stored.overseer), (List::Scheduled, None), "nobody has it any more");
    assert_eq!(stored.history, failed(1), "its history is the settlement's");
    assert_eq!(stored.envelope, claim.envelope, "its envelope never changes");
    let due = stored.at.expect("it has a due time");
    assert!(before + HOUR <= due && due <= after + HOUR, "{due} is an hour from the settlement");
}

async fn a_rescheduled_run_stands_in_scheduled_even_without_a_delay(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;

    store.settle_one(&claim, reschedule(Duration::ZERO)).await;

    assert_eq!(
        store.place("a").await,
        Some(List::Scheduled),
        "it comes to wait behind the others, in its turn"
    );
    assert_eq!(store.promote(5).await.moved, 1, "which is now");
}

async fn a_banished_run_is_dead_from_now_on(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;
    store.pass(Duration::from_millis(50)).await;
    let before = store.now().await;

    assert_eq!(store.settle_one(&claim, banish()).await, Settled::Done, "the claim stands");

    let (after, stored) = (store.now().await, store.find("a").await.expect("it is there"));
    assert_eq!((stored.list, stored.overseer), (List::Dead, None), "nobody has it any more");
    assert_eq!(stored.history, failed(1), "its history is the settlement's");
    assert_eq!(stored.envelope, claim.envelope, "its bytes are kept");
    let since = stored.at.expect("it has a time of death");
    assert!(before <= since && since <= after, "{since} is the time of the settlement");
}

async fn a_run_handed_back_stands_in_front_as_if_never_claimed(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.settle_one(&claim, reschedule(Duration::ZERO)).await;
    store.promote(1).await;
    let before = store.find("a").await.expect("it waits, with a history");
    let claim = store.claim(&ann, 1).await.remove(0);
    store.put(&["b", "c"]).await;

    assert_eq!(store.settle_one(&claim, Fate::HandBack).await, Settled::Done, "the claim stands");

    assert_eq!(store.list(List::Waiting).await, ["a", "b", "c"], "it keeps its turn");
    assert_eq!(store.find("a").await, Some(before), "and the attempt is given back");
}

async fn runs_handed_back_together_keep_their_order(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e", "f", "g"]).await;
    let claims = store.claim(&ann, 6).await;
    let fates = [Fate::HandBack, Fate::Forget, Fate::HandBack, banish(), Fate::HandBack, reschedule(HOUR)];
    let batch: Vec<_> = claims.iter().zip(fates).map(|(claim, fate)| settlement(claim, fate)).collect();

    assert_eq!(store.settle(&batch).await, [Settled::Done; 6], "all claims stand");

    assert_eq!(store.list(List::Waiting).await, ["a", "c", "e", "g"], "whatever becomes of those between");
    let claims = store.claim(&ann, 3).await;
    let reversed: Vec<_> = claims.iter().rev().map(|claim| settlement(claim, Fate::HandBack)).collect();
    store.settle(&reversed).await;
    assert_eq!(store.list(List::Waiting).await, ["e", "c", "a", "g"], "the order is the call's");
}

async fn a_batch_is_answered_item_by_item(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e"]).await;
    let claims = store.claim(&ann, 5).await;
    store.settle_one(&claims[1], Fate::Forget).await;
    store.delete("d").await;
    let foreign = Settlement { token: claims[0].token.clone(), ..settlement(&claims[2], Fate::Forget) };

    let settled = store
        .settle(&[
            settlement(&claims[1], Fate::Forget),
            settlement(&claims[0], Fate::Forget),
            foreign,
            settlement(&claims[3], banish()),
            settlement(&claims[4], reschedule(HOUR)),
        ])
        .await;

    let expected = [Settled::Stale, Settled::Done, Settled::Stale, Settled::Stale, Settled::Done];
    assert_eq!(settled, expected, "one that is refused does not stand in the way of the others");
    assert_eq!(store.list(List::Pending).await, ["c"], "what was refused stays");
    assert_eq!(store.list(List::Scheduled).await, ["e"], "what was not goes its way");
    assert_eq!(store.settle(&[]).await, [], "and nothing is answered to nothing");
}

async fn a_full_batch_is_settled_in_one_call(store: &Store) {
    let all = numbered(BATCH_LIMIT);
    store.put_runs(&runs(&all)).await;
    let claims = store.claim(&Overseer::named("ann"), BATCH_LIMIT).await;
    let fates = every_fate();
    let batch: Vec<_> = claims
        .iter()
        .zip(fates.iter().cycle())
        .map(|(claim, fate)| settlement(claim, fate.clone()))
        .collect();

    let settled = store.settle(&batch).await;

    assert_eq!(settled, vec![Settled::Done; BATCH_LIMIT], "all claims stand");
    let sizes = store.sizes().await;
    assert_eq!(
        (sizes.waiting, sizes.scheduled, sizes.dead, sizes.pending),
        (250, 250, 250, 0),
        "a quarter each"
    );
}

async fn a_repeated_settlement_is_stale_whatever_its_fate(store: &Store) {
    let ann = Overseer::named("ann");
    for (fate, id) in every_fate().into_iter().zip(numbered(4)) {
        let claim = store.claimed(&id, &ann).await;
        assert_eq!(store.settle_one(&claim, fate.clone()).await, Settled::Done, "{fate:?} is done once");
        let before = store.everything().await;

        for late in every_fate() {
            assert_eq!(
                store.settle_one(&claim, late.clone()).await,
                Settled::Stale,
                "{fate:?}, then {late:?}"
            );
        }

        assert_eq!(store.everything().await, before, "what is settled by {fate:?} stays so");
        // The way is clear for the next one.
        store.claim(&ann, 1).await;
    }
}

async fn a_claim_settled_twice_in_one_call_is_settled_once(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;

    let settled = store.settle(&[settlement(&claim, Fate::Forget), settlement(&claim, banish())]).await;

    let done = settled.iter().filter(|one| **one == Settled::Done).count();
    assert_eq!((settled.len(), done), (2, 1), "the other one is stale: {settled:?}");
    let expected = if settled[0] == Settled::Done { None } else { Some(List::Dead) };
    assert_eq!(store.place("a").await, expected, "and the answers tell which one it was");
}

async fn a_settlement_with_another_token_is_stale_whatever_its_fate(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    store.put(&["a", "b", "c"]).await;
    let (a, b) = (store.claim(&ann, 2).await, store.claim(&bob, 1).await);
    let before = store.everything().await;
    let garbage =
        ["", ":", "nonsense", "ann:1", "ann:1:0:0", "ann:1:99", "bob:1:0:", "\u{0}", "🦟", "{", "-1"];
    let mut tokens: Vec<_> = garbage.iter().map(|text| ClaimToken((*text).into())).collect();
    tokens.push(ClaimToken("x".repeat(10_000)));
    tokens.extend([a[1].token.clone(), b[0].token.clone()]);
    // Only a backend knows what its tokens mean: one of these guesses may be the right one.
    tokens.retain(|token| *token != a[0].token);

    for token in tokens {
        for fate in every_fate() {
            let wrong = Settlement { id: run_id("a"), token: token.clone(), fate };
            assert_eq!(store.settle(std::slice::from_ref(&wrong)).await, [Settled::Stale], "{wrong:?}");
        }
    }

    assert_eq!(store.everything().await, before, "and nothing changed");
    assert_eq!(store.settle_one(&a[0], Fate::Forget).await, Settled::Done, "the claim stands all the while");
}

async fn a_settlement_of_an_earlier_claim_is_stale_whatever_its_fate(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let mut earlier = vec![store.claimed("a", &ann).await];
    for overseer in [&ann, &bob, &ann] {
        store.settle_one(&earlier[earlier.len() - 1], Fate::HandBack).await;
        earlier.extend(store.claim(overseer, 1).await);
    }
    let standing = earlier.pop().expect("it was claimed four times");
    let before = store.everything().await;

    for claim in &earlier {
        for fate in every_fate() {
            assert_eq!(store.settle_one(claim, fate.clone()).await, Settled::Stale, "{claim:?} {fate:?}");
        }
    }

    assert_eq!(store.everything().await, before, "and nothing changed");
    assert_eq!(store.settle_one(&standing, Fate::Forget).await, Settled::Done, "the last claim stands");
}

async fn a_settlement_after_a_rescue_is_stale_whatever_its_fate(store: &Store) {
    let (ann, bob) = (Overseer::named("ann"), Overseer::named("bob"));
    let old = store.claimed("a", &ann).await;
    store.rescue(&rescue_after(Duration::ZERO)).await;
    let waiting = store.everything().await;

    for fate in every_fate() {
        assert_eq!(store.settle_one(&old, fate.clone()).await, Settled::Stale, "it was taken back: {fate:?}");
    }
    assert_eq!(store.everything().await, waiting, "and nothing changed");

    let new = store.claim(&bob, 1).await;
    let pending = store.everything().await;
    for fate in every_fate() {
        assert_eq!(store.settle_one(&old, fate.clone()).await, Settled::Stale, "it is another's: {fate:?}");
    }

    assert_eq!(ids(&new), ["a"], "another overseer got it");
    assert_eq!(store.everything().await, pending, "and nothing changed");
    assert_eq!(store.settle_one(&new[0], Fate::Forget).await, Settled::Done, "the new claim stands");
}

async fn a_settlement_of_an_unknown_run_is_stale(store: &Store) {
    let claim = store.claimed("a", &Overseer::named("ann")).await;
    let before = store.everything().await;

    for fate in every_fate() {
        let unknown = Settlement { id: run_id("b"), ..settlement(&claim, fate) };
        assert_eq!(store.settle(std::slice::from_ref(&unknown)).await, [Settled::Stale], "{unknown:?}");
    }

    assert_eq!(store.everything().await, before, "and nothing came of it");
}

async fn a_history_is_stored_as_it_is_given(store: &Store) {
    let ann = Overseer::named("ann");
    let histories = [
        History {
            attempts: u32::MAX,
            crashes: u32::MAX,
            unknown: u32::MAX,
            error: Some("é \"'\\ 🦟\n\u{0}\t{}".into()),
            ..History::default()
        },
        History { attempts: 7, crashes: 2, unknown: 3, error: Some(String::new()), ..History::default() },
        serde_json::from_str(LOGGED).expect("this is a history"),
        History { attempts: 1, unknown: 1, ..History::default() },
        History { error: Some("x".repeat(2_001)), ..History::default() },
        History::default(),
    ];
    let mut claims = vec![store.claimed("a", &ann).await];

    for history in histories {
        let fate = Fate::Reschedule { delay: Duration::ZERO, history: history.clone() };
        assert_eq!(store.settle(&settlements(&claims, &fate)).await, [Settled::Done], "the claim stands");
        assert_eq!(store.history("a").await, history, "nothing of the one before remains");
        store.promote(1).await;
        assert_eq!(store.history("a").await, history, "promoting changes nothing of it");
        claims = store.claim(&ann, 1).await;
        assert_eq!(claims[0].history, history, "and it is handed out so");
    }
}
