//! A settlement and a claim in one call: as one after the other.

use mosquito::backend::{Claim, Fate, Lease, List, Settled, Settlement, Ticket};
use mosquito::{Concurrency, ConcurrencyUse, Flow, FlowKey, LimitName};

use crate::making::{HOUR, Overseer, banish, ids, reschedule, rescue_after, run, settlement, settlements};
use crate::store::Store;

facts! {
    what_is_settled_is_settled_before_anything_is_claimed,
    settlements_of_all_fates_are_answered_in_their_order,
    a_settlement_that_is_refused_keeps_nobody_from_claiming,
    a_repeated_call_settles_nothing_twice_and_answers_the_same_runs,
    what_is_settled_is_settled_where_nothing_may_be_claimed,
    a_slot_that_is_freed_is_taken_in_the_same_call,
    an_overseer_whose_lease_is_lost_neither_settles_nor_claims,
}

impl Store {
    async fn exchange(
        &self,
        settlements: &[Settlement],
        ticket: &Ticket,
        at_most: usize,
    ) -> (Vec<Settled>, Vec<Claim>, Lease) {
        let both = self.backend().settle_and_claim(self.queue(), settlements, ticket, at_most);
        let (settled, claimed) = both.await.expect("it is answered");
        (settled, claimed.runs, claimed.lease)
    }
}

async fn what_is_settled_is_settled_before_anything_is_claimed(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.put(&["b"]).await;

    let (settled, claims, lease) =
        store.exchange(&[settlement(&claim, Fate::HandBack)], &ann.ticket(), 5).await;

    assert_eq!((settled, lease), (vec![Settled::Done], Lease::Held));
    assert_eq!(ids(&claims), ["a", "b"], "what was handed back stands in front");
    assert_eq!(store.settle_one(&claim, Fate::Forget).await, Settled::Stale, "it is another claim now");
    assert_eq!(store.settle_one(&claims[0], Fate::Forget).await, Settled::Done);
}

async fn settlements_of_all_fates_are_answered_in_their_order(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e", "f", "g"]).await;
    let claims = store.claim(&ann, 6).await;
    store.settle_one(&claims[3], Fate::Forget).await;
    let fates = [Fate::Forget, banish(), Fate::Forget, Fate::Forget, reschedule(HOUR), Fate::HandBack];
    let all: Vec<_> = claims.iter().zip(fates).map(|(claim, fate)| settlement(claim, fate)).collect();

    let (settled, claims, _) = store.exchange(&all, &ann.ticket(), 5).await;

    use Settled::{Done, Stale};
    assert_eq!(settled, [Done, Done, Done, Stale, Done, Done]);
    assert_eq!(ids(&claims), ["f", "g"]);
    assert_eq!(store.list(List::Dead).await, ["b"]);
    assert_eq!(store.list(List::Scheduled).await, ["e"]);
    assert_eq!(store.sizes().await.total(), 4, "the others are gone");
}

async fn a_settlement_that_is_refused_keeps_nobody_from_claiming(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.settle_one(&claim, Fate::Forget).await;
    store.put(&["b"]).await;

    let (settled, claims, _) = store.exchange(&[settlement(&claim, banish())], &ann.ticket(), 5).await;

    assert_eq!((settled, ids(&claims)), (vec![Settled::Stale], vec!["b"]));
}

async fn a_repeated_call_settles_nothing_twice_and_answers_the_same_runs(store: &Store) {
    let ann = Overseer::named("ann");
    store.put(&["a", "b", "c", "d", "e"]).await;
    let old = settlements(&store.claim(&ann, 2).await, &Fate::Forget);
    let ticket = ann.ticket();
    let first = store.exchange(&old, &ticket, 2).await;

    let again = store.exchange(&old, &ticket, 2).await;

    assert_eq!(first.0, [Settled::Done; 2]);
    assert_eq!(again.0, [Settled::Stale; 2]);
    let named = |claims: &[Claim]| -> Vec<_> {
        claims.iter().map(|claim| (claim.id.clone(), claim.token.clone(), claim.envelope.clone())).collect()
    };
    assert_eq!(named(&first.1), named(&again.1));
    assert_eq!(ids(&first.1), ["c", "d"]);
    assert_eq!(store.list(List::Waiting).await, ["e"]);
}

async fn what_is_settled_is_settled_where_nothing_may_be_claimed(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    store.put(&["b"]).await;
    let queue = mosquito::backend::Scope::Queue(store.queue().clone());
    store.backend().pause(&queue, &mosquito::backend::Pause::default()).await.expect("it is answered");

    let (settled, claims, _) = store.exchange(&[settlement(&claim, Fate::Forget)], &ann.ticket(), 5).await;

    assert_eq!((settled, ids(&claims)), (vec![Settled::Done], vec![]));
    assert_eq!(store.list(List::Waiting).await, ["b"]);
}

async fn a_slot_that_is_freed_is_taken_in_the_same_call(store: &Store) {
    let ann = Overseer::named("ann");
    let one_at_once = || Flow {
        concurrency: Some(ConcurrencyUse {
            name: LimitName::new("letters").expect("it is a name"),
            key: FlowKey::readable(&("acme",)).expect("text serializes"),
            rule: Concurrency { limit: 1 },
        }),
        ..Flow::default()
    };
    let runs = ["a", "b", "c"].map(|id| run(id).flowing(one_at_once()));
    store.enqueue(&runs).await;
    let mut claims = store.claim(&ann, 5).await;
    assert_eq!(ids(&claims), ["a"]);

    for next in [&["b"][..], &["c"], &[]] {
        let old = settlements(&claims, &Fate::Forget);
        let (settled, got, _) = store.exchange(&old, &ann.ticket(), 5).await;
        assert_eq!((settled, ids(&got)), (vec![Settled::Done], next.to_vec()));
        claims = got;
    }
}

async fn an_overseer_whose_lease_is_lost_neither_settles_nor_claims(store: &Store) {
    let ann = Overseer::named("ann");
    let claim = store.claimed("a", &ann).await;
    let dead_after = std::time::Duration::from_millis(20);
    store.pass(2 * dead_after).await;
    let rescued = store.rescue(&rescue_after(dead_after)).await;
    assert_eq!(rescued.rescued.len(), 1);

    let (settled, claims, lease) =
        store.exchange(&[settlement(&claim, Fate::Forget)], &ann.ticket(), 0).await;

    assert_eq!((settled, ids(&claims)), (vec![Settled::Stale], vec![]));
    assert_ne!(lease, Lease::Held, "it learns of it");
    assert_eq!(store.list(List::Waiting).await, ["a"]);
}
