//! A pause of a queue is one of all its partitions.

use std::time::Duration;

use mosquito::testing::Testing;
use mosquito::{JobName, QueueName};

use crate::jobs::{Ping, Track};

facts! {
    a_pause_holds_in_every_partition_and_ends_in_every_one,
    a_pause_ends_by_itself_everywhere,
    a_partition_that_goes_on_is_no_paused_queue,
    a_job_is_paused_in_every_partition,
    a_pause_of_everything_is_one_of_partitions,
}

async fn fill(testing: &Testing) {
    testing.enqueue_all((0..40).map(|user| Track { user, number: 1 })).await.unwrap();
}

async fn a_pause_holds_in_every_partition_and_ends_in_every_one(testing: &Testing) {
    let events = testing.queue("events").unwrap();
    events.pause().reason("it moves").await.unwrap();
    fill(testing).await;

    assert_eq!(testing.drain().await.unwrap().runs.len(), 0);
    let paused = events.paused().await.unwrap().unwrap();
    assert_eq!(paused.reason.as_deref(), Some("it moves"));

    events.resume().await.unwrap();
    assert_eq!(events.paused().await.unwrap(), None);
    assert_eq!(testing.drain().await.unwrap().succeeded, 40);
}

async fn a_pause_ends_by_itself_everywhere(testing: &Testing) {
    let events = testing.queue("events").unwrap();
    fill(testing).await;
    events.pause_for(Duration::from_secs(600)).await.unwrap();

    assert_eq!(testing.run_for(Duration::from_secs(590)).await.unwrap().succeeded, 0);
    assert_eq!(testing.run_for(Duration::from_secs(20)).await.unwrap().succeeded, 40);
}

async fn a_partition_that_goes_on_is_no_paused_queue(testing: &Testing) {
    let events = testing.queue("events").unwrap();
    fill(testing).await;
    events.pause().await.unwrap();

    testing.queue("events~3").unwrap().resume().await.unwrap();

    assert_eq!(events.paused().await.unwrap(), None, "it hands out something");
    let part = testing.backend().sizes(&QueueName::new("events~3").unwrap()).await.unwrap().waiting;
    assert_eq!(testing.drain().await.unwrap().succeeded, part);
    assert!(part > 0);
}

async fn a_job_is_paused_in_every_partition(testing: &Testing) {
    let (events, track) = (testing.queue("events").unwrap(), JobName::new("track").unwrap());
    fill(testing).await;
    testing.enqueue_all((0..10).map(|n| Ping { text: n.to_string() })).await.unwrap();
    testing.pause_job::<Track>().unwrap().author("ada").await.unwrap();

    assert_eq!(testing.drain().await.unwrap().succeeded, 10);
    assert_eq!(events.paused_jobs().await.unwrap()[&track].author.as_deref(), Some("ada"));

    events.resume_job(&track).await.unwrap();
    assert!(events.paused_jobs().await.unwrap().is_empty());
    assert_eq!(testing.drain().await.unwrap().succeeded, 40);
}

async fn a_pause_of_everything_is_one_of_partitions(testing: &Testing) {
    testing.pause().await.unwrap();
    fill(testing).await;

    assert_eq!(testing.drain().await.unwrap().runs.len(), 0);
    assert!(testing.queue("events").unwrap().paused().await.unwrap().unwrap().everything);

    testing.resume().await.unwrap();
    assert_eq!(testing.drain().await.unwrap().succeeded, 40);
}
