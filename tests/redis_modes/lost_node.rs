//! A node of a cluster that is lost, with and without a replica.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito_tests::{RedisCluster, eventually};

use crate::crew::{Crew, PATIENCE, Writer, enqueue, is_empty};
use crate::jobs::Note;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_node_of_a_cluster_stops_only_its_queues_and_comes_back() {
    let mut cluster = RedisCluster::start_with(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let names = cluster.names();
    // The one that holds who leads, without whom due runs and ticks of all queues must be moved all the same.
    let lost = cluster.holder("mosquito:leader", 0);
    let [a, b] = [0, 1, 2].into_iter().filter(|place| *place != lost).collect::<Vec<_>>()[..] else {
        unreachable!("two are left")
    };
    let crew = Crew::work(&mosquito, |runner| runner.queues(names.clone()));
    let writers = names.clone().map(|queue| Writer::start(&mosquito, &queue));
    for queue in &names {
        crew.log.has(&format!("{queue} 100"), 1).await;
    }

    cluster.server_mut(lost).kill();
    // Those of the others that are enqueued from now on are performed while the node is away.
    for queue in [&names[a], &names[b]] {
        for n in 0..20 {
            enqueue(&mosquito, queue, &format!("meanwhile {queue} {n}")).await;
            crew.log.has(&format!("meanwhile {queue} {n}"), 1).await;
        }
    }
    for queue in [&names[a], &names[b]] {
        let later = Note { word: format!("later {queue}") };
        let _ = mosquito.enqueue(later).queue(queue).delay(Duration::from_millis(500)).await.unwrap();
        crew.log.has(&format!("later {queue}"), 1).await;
    }
    let refused = mosquito.queue(&names[lost]).unwrap().sizes().await.unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
    cluster.server_mut(lost).start_again();
    enqueue(&mosquito, &names[lost], "back").await;
    crew.log.has("back", 1).await;

    for writer in writers {
        let words = writer.stop().await;
        crew.log.has_all(&words).await;
    }
    for queue in &names {
        is_empty(&mosquito, queue).await;
    }
    assert!(crew.is_working());
    let report = crew.stop().await;
    assert_eq!(report.unsettled, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_takes_over_a_lost_nodes_queues() {
    let mut cluster = RedisCluster::start_with_replicas().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let names = cluster.names();
    let crew = Crew::work(&mosquito, |runner| runner.queues(names.clone()));
    let writers = names.clone().map(|queue| Writer::start(&mosquito, &queue));
    for queue in &names {
        crew.log.has(&format!("{queue} 100"), 1).await;
    }

    cluster.server_mut(1).kill();
    eventually("its replica has its slots", PATIENCE, || async {
        let holder = cluster.holder(&names[1], 0);
        if holder == 4 { Ok(()) } else { Err(holder) }
    })
    .await;

    for queue in &names {
        enqueue(&mosquito, queue, &format!("after {queue}")).await;
        crew.log.has(&format!("after {queue}"), 1).await;
    }
    let [first, _, third] = writers;
    for writer in [first, third] {
        let words = writer.stop().await;
        crew.log.has_all(&words).await;
    }
    for queue in &names {
        is_empty(&mosquito, queue).await;
    }
    let report = crew.stop().await;
    assert_eq!(report.unsettled, 0, "{report}");
}
