//! A pause of everything, where queues stand in several servers of which one may be lost.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito_tests::{RedisCluster, eventually};

use crate::crew::{Crew, PATIENCE, enqueue};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_everything_reaches_the_queues_of_a_lost_node_when_it_is_back() {
    let mut cluster = RedisCluster::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let names = cluster.names();
    let holder = cluster.holder("mosquito:queues", 0);
    assert_eq!(cluster.holder("mosquito:{mosquito:queues}:everything", 0), holder, "they go together");
    let lost = (holder + 1) % 3;
    for queue in &names {
        enqueue(&mosquito, queue, "before").await;
    }
    let crew = Crew::work(&mosquito, |runner| runner.queues(names.clone()));
    crew.log.has("before", 3).await;

    cluster.server_mut(lost).kill();
    let partial = mosquito.pause().reason("a node is lost").await.unwrap_err();
    assert!(partial.is_transient(), "{partial:?}");
    for (place, queue) in names.iter().enumerate().filter(|(place, _)| *place != lost) {
        let paused = mosquito.queue(queue).unwrap().paused().await.unwrap();
        assert!(paused.is_some_and(|paused| paused.everything), "{place}: {queue} is paused at once");
    }
    cluster.server_mut(lost).start_again();
    let back = mosquito.queue(&names[lost]).unwrap();
    let held = format!("mosquito:{{{}}}:held", names[lost]);
    eventually("it is back", PATIENCE, || async { back.sizes().await.map_err(|error| error.to_string()) })
        .await;
    eventually("a runner tells it", PATIENCE, || async {
        cluster.server(lost).command::<Option<String>>(&["GET", &held]).ok_or("not yet")
    })
    .await;
    let paused = back.paused().await.unwrap().unwrap();
    assert_eq!(paused.reason.as_deref(), Some("a node is lost"));

    for queue in &names {
        enqueue(&mosquito, queue, "held").await;
    }
    // A queue of its own slot, which nobody knew when everything was paused.
    let new = "quite-new";
    enqueue(&mosquito, new, "held").await;
    assert!(mosquito.queue(new).unwrap().paused().await.unwrap().is_some());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(crew.log.times("held"), 0);
    mosquito.resume().await.unwrap();
    crew.log.has("held", 3).await;
    let _ = crew.stop().await;
}
