//! What an enqueue says, what it is answered, and what is told of it.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::middleware::{BeforeEnqueue, NewRuns};
use mosquito::testing::Testing;
use mosquito::{
    Concurrency, ConcurrencyUse, Error, Flow, FlowKey, LimitName, Mosquito, Priority, RateKind, RateLimit,
    RateUse, Unique, Until,
};

use crate::jobs::{Digest, Index, Notice};

facts! {
    what_cannot_be_is_refused_before_it_reaches_the_store,
    an_event_counts_what_is_new_what_was_kept_away_and_what_was_replaced,
    what_a_key_does_not_serialize_of_is_an_error,
}

async fn what_cannot_be_is_refused_before_it_reaches_the_store(testing: &Testing) {
    let (name, key) = (LimitName::new("x").unwrap(), FlowKey::all());
    let rate = |limit, per| {
        let rule = RateLimit { limit, per, kind: RateKind::Sliding };
        let rate = RateUse { name: name.clone(), key: key.clone(), weight: 1, rule };
        Flow { rate: Some(rate), ..Flow::default() }
    };
    let at_once = ConcurrencyUse { name: name.clone(), key: key.clone(), rule: Concurrency { limit: 0 } };
    let unique = Unique::by(key.clone()).until(Until::For(Duration::ZERO));
    let flows = [
        rate(0, Duration::from_secs(1)),
        rate(1, Duration::ZERO),
        rate(1, Duration::from_secs(100 * 86_400)),
        Flow { concurrency: Some(at_once), ..Flow::default() },
        Flow { unique: Some(unique), ..Flow::default() },
        Flow { expires: Some(Duration::ZERO), ..Flow::default() },
    ];

    for wrong in flows {
        let said = wrong.clone();
        let refused = testing.enqueue(Notice { number: 1 }).flow(|flow| *flow = said).await;
        assert!(
            matches!(&refused, Err(Error::Flow { job, .. }) if job == "notice"),
            "{wrong:?}: {refused:?}"
        );
    }
    let refused = testing.enqueue(Notice { number: 1 }).expires_in(Duration::ZERO).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a run of job `notice` cannot flow so: a run that expires within less than 1 ms would never be performed"
    );
    assert_eq!(testing.queue("notices").unwrap().sizes().await.unwrap().total(), 0);
}

async fn an_event_counts_what_is_new_what_was_kept_away_and_what_was_replaced(testing: &Testing) {
    let mut events = testing.events();

    let digests = [1, 1, 2].map(|user| Digest { user, text: "hello".into() });
    testing.enqueue_all(digests).await.unwrap();
    let first = testing.enqueue(Index { document: 1, revision: 1 }).await.unwrap();
    testing.enqueue(Index { document: 1, revision: 2 }).await.unwrap();

    let mut counts = Vec::new();
    while counts.len() < 3 {
        if let Some(Event::Enqueued { id, new, duplicates, replaced, .. }) = events.next().await {
            counts.push((new, duplicates, replaced, id.as_ref() == Some(first.id())));
        }
    }
    assert_eq!(counts, [(2, 1, 0, false), (1, 0, 0, true), (0, 0, 1, false)]);
}

async fn what_a_key_does_not_serialize_of_is_an_error(testing: &Testing) {
    let odd = std::collections::HashMap::from([((1, 2), 3)]);
    let why = FlowKey::readable(&odd).unwrap_err().to_string();

    let refused = testing
        .enqueue_all([Notice { number: 1 }])
        .flow(move |_, flow| {
            flow.unique = Some(Unique::by(FlowKey::readable(&odd)?));
            Ok(())
        })
        .await
        .unwrap_err();

    let Error::Incomplete { enqueued: 0, source } = refused else { panic!("{refused:?}") };
    let Error::Unserializable { job, source } = *source else { panic!("{source:?}") };
    assert_eq!((job.as_str(), source.to_string()), ("notice", why));
}

#[tokio::test]
async fn middleware_sees_how_a_run_flows_and_has_it_flow_otherwise() {
    let urgent = BeforeEnqueue::new(|runs: &mut NewRuns| {
        for mut run in runs.iter_mut() {
            let flow = run.flow();
            assert_eq!(flow.priority, Priority::at(7));
            run.set_flow(Flow { priority: Priority::FIRST, ..flow })?;
            let nonsense = Flow { expires: Some(Duration::ZERO), ..Flow::default() };
            assert!(matches!(run.set_flow(nonsense), Err(Error::Flow { job, .. }) if job == "notice"));
        }
        Ok(())
    });
    let testing = Testing::record().enqueue_middleware(urgent).await.unwrap();
    let beside: &Mosquito = &testing;
    let first = beside.enqueue(Notice { number: 1 }).await.unwrap();
    let second = beside.enqueue(Notice { number: 2 }).await.unwrap();

    let drained = testing.drain().queue("notices").await.unwrap();

    let order: Vec<_> = drained.runs.iter().map(|run| &run.id).collect();
    assert_eq!(order, [first.id(), second.id()]);
}
