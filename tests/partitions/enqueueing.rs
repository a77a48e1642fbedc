//! Into which partition a run goes.

use std::collections::{BTreeMap, BTreeSet};

use mosquito::testing::{Testing, assert_enqueued};
use mosquito::{Enqueued, Error, FlowKey, Job, QueueName, RunId, Unique};
use mosquito_tests::Seed;

use crate::jobs::{Digest, Mail, Ping, Track};

facts! {
    runs_of_one_key_stand_in_one_partition_and_go_in_order,
    runs_without_a_key_are_spread_by_their_ids,
    a_run_that_is_enqueued_again_is_found,
    unique_runs_of_one_key_find_each_other,
    a_key_that_is_said_goes_over_the_declared_one,
    jobs_from_elsewhere_are_put_into_partitions_too,
    answers_are_in_the_order_given,
    what_fails_on_the_way_leaves_a_prefix_that_is_told,
    one_partition_can_be_named,
}

/// Which store's queues have how many runs.
async fn parts(testing: &Testing, queue: &str) -> BTreeMap<String, usize> {
    let mut parts = BTreeMap::new();
    for name in testing.backend().queues().await.unwrap() {
        if name.whole().as_str() == queue {
            parts.insert(name.to_string(), testing.backend().sizes(&name).await.unwrap().total());
        }
    }
    parts
}

async fn runs_of_one_key_stand_in_one_partition_and_go_in_order(testing: &Testing) {
    let mut rng = Seed::several(1).pop().unwrap().begin();
    let mut numbers = [0; 20];
    let tracks: Vec<_> = (0..400)
        .map(|_| {
            let user = rng.u64(..20);
            let number = &mut numbers[usize::try_from(user).unwrap()];
            *number += 1;
            Track { user, number: *number }
        })
        .collect();
    let mut expected = BTreeMap::new();
    for track in &tracks {
        let key = track.partition_key().unwrap().unwrap();
        *expected.entry(format!("events~{}", key.partition_of(8))).or_insert(0) += 1;
    }

    testing
        .enqueue_all(tracks)
        .id_by(|track| RunId::new(format!("{}.{}", track.user, track.number)).unwrap())
        .await
        .unwrap();

    assert_eq!(parts(testing, "events").await, expected);
    let drained = testing.drain().await.unwrap();
    assert_eq!(drained.succeeded, 400);
    let mut seen = [0; 20];
    for run in &drained.runs {
        let (user, number) = run.id.as_str().split_once('.').unwrap();
        let seen = &mut seen[user.parse::<usize>().unwrap()];
        assert_eq!(number.parse::<u64>().unwrap(), *seen + 1, "of user {user}");
        *seen += 1;
    }
    assert_eq!(seen, numbers);
}

async fn runs_without_a_key_are_spread_by_their_ids(testing: &Testing) {
    testing.enqueue_all((0..800).map(|n| Ping { text: n.to_string() })).await.unwrap();

    let parts = parts(testing, "events").await;

    assert_eq!((parts.len(), parts.values().sum::<usize>()), (8, 800), "{parts:?}");
    assert!(parts.values().all(|runs| (50..150).contains(runs)), "about 100 in each: {parts:?}");
}

async fn a_run_that_is_enqueued_again_is_found(testing: &Testing) {
    for number in 0..50 {
        let id = RunId::new(format!("ping-{number}")).unwrap();
        let ping = || testing.enqueue(Ping { text: "hello".into() }).id(id.clone());

        assert_eq!(ping().await.unwrap(), Enqueued::New(id.clone()));
        assert_eq!(ping().await.unwrap(), Enqueued::Duplicate(id.clone()));
    }
}

async fn unique_runs_of_one_key_find_each_other(testing: &Testing) {
    for user in 0..20 {
        assert!(testing.enqueue(Digest { user }).await.unwrap().is_new());
        assert!(!testing.enqueue(Digest { user }).await.unwrap().is_new());
    }
    let pings = (0..20).map(|n| Ping { text: (n % 5).to_string() });
    let unique = |ping: &Ping| Ok(Unique::by(FlowKey::readable(&("ping", &ping.text))?));
    let answers = testing.enqueue_all(pings).unique(unique).await.unwrap();

    assert_eq!(answers.iter().filter(|answer| answer.is_new()).count(), 5);
    assert!(parts(testing, "events").await.len() > 2);
}

async fn a_key_that_is_said_goes_over_the_declared_one(testing: &Testing) {
    let key = FlowKey::readable(&("all of them",)).unwrap();
    let part = format!("events~{}", key.partition_of(8));

    let track = |user| Track { user, number: 1 };
    testing.enqueue(track(0)).partition_by(key.clone()).await.unwrap();
    testing.enqueue_all((1..20).map(track)).partition_by(move |_| Ok(key.clone())).await.unwrap();

    assert_eq!(parts(testing, "events").await, BTreeMap::from([(part, 20)]));
}

async fn jobs_from_elsewhere_are_put_into_partitions_too(testing: &Testing) {
    let key = FlowKey::readable(&(7,)).unwrap();
    let part = format!("events~{}", key.partition_of(8));

    testing.enqueue(Mail { number: 1 }).queue("events").partition_by(key.clone()).await.unwrap();
    testing.enqueue(Track { user: 7, number: 1 }).await.unwrap();

    assert_eq!(parts(testing, "events").await, BTreeMap::from([(part, 2)]), "with those of that user");
    assert_enqueued!(testing, Mail { number: 1 }, queue = "events");
    let refused = testing.enqueue(Mail { number: 2 }).partition_by(key).await.unwrap_err();
    assert!(matches!(refused, Error::Flow { .. }), "{refused:?}");
    assert!(refused.to_string().contains("the queue `mail` has no partitions"), "{refused}");
}

async fn answers_are_in_the_order_given(testing: &Testing) {
    let ids: Vec<_> = (0..3_000).map(|n| RunId::new(format!("run-{n}")).unwrap()).collect();
    let pings = || (0..3_000).map(|n| Ping { text: format!("run-{n}") });
    let by_text = |ping: &Ping| RunId::new(&ping.text).unwrap();

    let answers = testing.enqueue_all(pings()).id_by(by_text).await.unwrap();
    assert_eq!(answers, ids.iter().cloned().map(Enqueued::New).collect::<Vec<_>>());

    let answers = testing.enqueue_all(pings()).id_by(by_text).await.unwrap();
    assert_eq!(answers, ids.into_iter().map(Enqueued::Duplicate).collect::<Vec<_>>());
}

async fn what_fails_on_the_way_leaves_a_prefix_that_is_told(testing: &Testing) {
    let large = "x".repeat(300_000);
    let pings = (0..20_000).map(|n| if n == 12_345 { large.clone() } else { n.to_string() });

    let failed = testing.enqueue_all(pings.map(|text| Ping { text }).collect::<Vec<_>>()).await.unwrap_err();

    let Error::Incomplete { enqueued, source } = failed else { panic!("{failed:?}") };
    assert_eq!(enqueued, 12_345);
    assert!(matches!(*source, Error::PayloadTooLarge { .. }));
    assert_eq!(testing.queue("events").unwrap().sizes().await.unwrap().waiting, 12_345);
}

async fn one_partition_can_be_named(testing: &Testing) {
    testing.enqueue_all((0..30).map(|user| Track { user, number: 1 })).queue("events~5").await.unwrap();

    assert_eq!(parts(testing, "events").await, BTreeMap::from([("events~5".to_owned(), 30)]));
    let queues: BTreeSet<_> = testing.queues().await.unwrap().iter().map(|q| q.name().clone()).collect();
    assert_eq!(queues, BTreeSet::from([QueueName::new("events").unwrap()]));
    assert_eq!(testing.queue("events~5").unwrap().sizes().await.unwrap().waiting, 30);
    assert_eq!(testing.queue("events~4").unwrap().sizes().await.unwrap().waiting, 0);
}
