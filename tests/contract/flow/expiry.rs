//! Runs that waited too long.

use std::time::Duration;

use super::flowing;
use crate::making::{Overseer, numbered, reschedule, run, run_id, run_in};
use crate::store::Store;
use mosquito::backend::{BATCH_LIMIT, Fate};
use mosquito::{Flow, Unique, Until};

facts! {
    what_waited_longer_than_it_was_to_is_gone_and_told,
    the_wait_begins_when_it_is_due,
    what_was_attempted_does_not_expire,
    what_expired_keeps_nobody_away,
    of_thousands_that_have_expired_a_claim_removes_a_bounded_part_and_loses_nothing,
}

/// More than a script can hand to one command.
const MANY: usize = 9_000;
const SHORT: Duration = Duration::from_millis(60);

fn expiring() -> Flow {
    Flow { expires: Some(SHORT), ..Flow::default() }
}

async fn what_waited_longer_than_it_was_to_is_gone_and_told(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&[flowing("a", expiring()), flowing("b", expiring()), run("c")]).await;
    store.pass(SHORT).await;

    let claimed = store.backend().claim(store.queue(), &ann.ticket(), 10).await.expect("a claim is answered");

    assert_eq!(crate::making::ids(&claimed.runs), ["c"]);
    assert_eq!(claimed.expired, [run_id("a"), run_id("b")]);
    assert_eq!(store.place("a").await, None);
}

async fn the_wait_begins_when_it_is_due(store: &Store) {
    let ann = Overseer::named("ann");
    store
        .enqueue(&[run_in("a", 2 * SHORT).flowing(Flow { expires: Some(100 * SHORT), ..Flow::default() })])
        .await;
    store.pass(2 * SHORT).await;
    store.promote(10).await;

    assert_eq!(store.next(&ann, 10).await, ["a"]);
}

async fn what_was_attempted_does_not_expire(store: &Store) {
    let ann = Overseer::named("ann");
    store.enqueue(&[flowing("a", Flow { expires: Some(30 * SHORT), ..Flow::default() })]).await;
    let claimed = store.claim(&ann, 1).await;
    store.settle_one(&claimed[0], reschedule(Duration::ZERO)).await;
    store.promote(10).await;
    store.pass(30 * SHORT).await;

    assert_eq!(store.next(&ann, 10).await, ["a"]);
}

async fn what_expired_keeps_nobody_away(store: &Store) {
    let ann = Overseer::named("ann");
    let unique = Unique { key: super::key("u"), until: Until::Finish, on_conflict: Default::default() };
    let flow = Flow { unique: Some(unique), ..expiring() };
    store.flow([("a", flow.clone())]).await;
    store.pass(SHORT).await;
    assert!(store.next(&ann, 10).await.is_empty(), "it has expired");

    store.flow([("b", Flow { expires: None, ..flow })]).await;

    let claimed = store.claim(&ann, 10).await;
    assert_eq!(claimed.len(), 1);
    store.settle_one(&claimed[0], Fate::Forget).await;
}

async fn of_thousands_that_have_expired_a_claim_removes_a_bounded_part_and_loses_nothing(store: &Store) {
    let ann = Overseer::named("ann");
    let unique =
        |id: &str| Unique { key: super::key(id), until: Until::Finish, on_conflict: Default::default() };
    let flow = |id: &String| flowing(id, Flow { unique: Some(unique(id)), ..expiring() });
    for ids in numbered(MANY).chunks(BATCH_LIMIT) {
        store.enqueue(&ids.iter().map(flow).collect::<Vec<_>>()).await;
    }
    store.enqueue(&[flowing("urgent", super::priority(4))]).await;
    store.pass(SHORT).await;

    let (mut claimed, mut expired) = (Vec::new(), 0);
    while expired < MANY {
        let answer = store.backend().claim(store.queue(), &ann.ticket(), BATCH_LIMIT).await;
        let answer = answer.expect("a claim is answered");
        assert!((1..=2 * BATCH_LIMIT).contains(&answer.expired.len()), "{} at once", answer.expired.len());
        expired += answer.expired.len();
        claimed.extend(answer.runs);
    }
    assert_eq!(crate::making::ids(&claimed), ["urgent"]);
    assert!(store.enqueue(&[flow(&"again".to_owned())]).await[0].is_new());
}
