//! What stands in Redis of runs with a flow when they have gone: nothing.

use std::time::Duration;

use mosquito::backend::redis::Redis;
use mosquito::backend::{Backend, Fate, List};
use mosquito::{Clock, Flow, OnConflict, RateKind, Unique, Until};

use super::{a_second, at_once, flowing, key, of_tenant, priority};
use crate::making::{Overseer, banish, queue, reschedule, rescue_after, settlement};
use crate::store::REDIS;

/// All keys but those that remember what was started, by which rule and whose turn it is.
const KEYS: [&str; 14] = [
    "waiting",
    "pending",
    "scheduled",
    "dead",
    "runs",
    "history",
    "lanes",
    "ready",
    "standing",
    "blocked",
    "parked",
    "slots",
    "unique",
    "flows",
];

fn every_flow() -> Vec<Flow> {
    let unique = |until, on_conflict| {
        let unique = Some(Unique { key: key("u"), until, on_conflict });
        Flow { unique, ..Flow::default() }
    };
    vec![
        Flow::default(),
        priority(3),
        of_tenant("a", 1),
        of_tenant("b", 2),
        at_once(1, "a"),
        a_second(RateKind::TokenBucket, 3, "b"),
        Flow { concurrency: at_once(2, "all").concurrency, ..of_tenant("c", 1) },
        unique(Until::Finish, OnConflict::Return),
        unique(Until::Start, OnConflict::Return),
        unique(Until::StartThenWhileRunning, OnConflict::Replace),
        unique(Until::For(Duration::from_secs(1)), OnConflict::Return),
        unique(Until::Finish, OnConflict::KeepLatest),
        Flow { expires: Some(Duration::from_millis(500)), ..priority(8) },
    ]
}

#[tokio::test]
async fn nothing_is_left_of_runs_that_have_gone() {
    let (mail, ann) = (queue("mail"), Overseer::named("ann"));
    let clock = Clock::manual();
    let redis =
        Redis::connect_with_clock(&REDIS.url(), "leftovers", clock.clone()).await.expect("it answers");
    for (n, flow) in every_flow().into_iter().cycle().take(120).enumerate() {
        let _put = redis.enqueue(&mail, &[flowing(&format!("run-{n}"), flow)]).await.expect("it is enqueued");
    }

    let mut rounds = 0;
    while redis.sizes(&mail).await.expect("sizes are told").total() > 0 {
        rounds += 1;
        assert!(rounds < 500, "they go: {:?}", redis.sizes(&mail).await);
        clock.step(100);
        redis.promote(&mail, 100).await.expect("it is answered");
        let claims = redis.claim(&mail, &ann.ticket(), 10).await.expect("it is answered").runs;
        let fates = [Fate::Forget, Fate::HandBack, banish(), reschedule(Duration::ZERO), Fate::Forget];
        let batch: Vec<_> = claims.iter().zip(fates).map(|(claim, fate)| settlement(claim, fate)).collect();
        redis.settle(&mail, &batch).await.expect("it is answered");
        redis.rescue(&mail, &rescue_after(Duration::ZERO)).await.expect("it is answered");
        if let Some(run) = redis.page(&mail, List::Waiting, 3, 1).await.expect("a page is read").first() {
            assert!(redis.delete(&mail, &run.id).await.expect("it is answered"), "it waits");
        }
        redis.prune(&mail, 3, Duration::from_secs(2), 10).await.expect("it is answered");
    }
    // What is over by now is forgotten, and lanes that are empty by a deletion are.
    clock.step(5_000);
    redis.promote(&mail, 100).await.expect("it is answered");
    redis.claim(&mail, &ann.ticket(), 10).await.expect("it is answered");

    let exists = |name: &str| REDIS.command::<bool>(&["EXISTS", &format!("leftovers:{{mail}}:{name}")]);
    let left: Vec<_> = KEYS.into_iter().filter(|name| exists(name)).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(!exists("rates") && !exists("fading"), "what says the same as nothing is forgotten");
}
