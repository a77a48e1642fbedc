//! A node of a cluster that is lost, with and without a replica.

use std::time::Duration;

use mosquito::Mosquito;
use mosquito::events::Event;
use mosquito_tests::{RedisCluster, eventually};

use crate::crew::{Crew, PATIENCE, Writer, enqueue, is_empty};
use crate::jobs::{Long, Note};

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

/// Far shorter than what the silent one takes to be given up.
const LEASE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_costs_the_queues_of_the_others_no_lease() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let [hanging, well, _] = cluster.names();
    let queues = [hanging.clone(), well.clone()];
    let leased = |runner: mosquito::RunnerBuilder| {
        runner.queues(queues.clone()).heartbeat(LEASE / 6).dead_after(LEASE).reap_every(LEASE / 6)
    };
    let crew = Crew::work(&mosquito, leased);
    let long = |queue: &str| mosquito.enqueue(Long { word: queue.into(), seconds: 12 }).queue(queue);
    for queue in &queues {
        let _ = long(queue).await.unwrap();
        crew.log.has(&format!("{queue} began"), 1).await;
    }
    // Whoever looks for the dead meanwhile.
    let other = Crew::work(&Mosquito::connect(&cluster.url()).await.unwrap(), leased);

    cluster.server(0).freeze();
    crew.log.has(&format!("{well} ended"), 1).await;
    cluster.server(0).thaw();
    for queue in &queues {
        is_empty(&mosquito, queue).await;
    }

    let began = |crew: &Crew| crew.log.times(&format!("{well} began"));
    assert_eq!((began(&crew), began(&other)), (1, 0), "it was performed once");
    let _ = (crew.stop().await, other.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_while_a_runner_stops_costs_the_others_no_hand_back() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let [hanging, well, _] = cluster.names();
    let mut events = mosquito.events();
    let queues = [hanging, well.clone()];
    let crew = Crew::work(&mosquito, |runner| runner.queues(queues).shutdown_grace(Duration::from_secs(10)));
    let _ = mosquito.enqueue(Long { word: "long".into(), seconds: 600 }).queue(&well).await.unwrap();
    crew.log.has("long began", 1).await;

    cluster.server(0).freeze();
    // A claim was sent there, whose answer is still to be found out when the runner stops.
    while !matches!(events.next().await, Some(Event::BackendLost { .. })) {}
    let report = crew.stop().await;

    let sizes = mosquito.queue(&well).unwrap().sizes().await.unwrap();
    assert_eq!((sizes.waiting, sizes.pending), (1, 0), "{report}");
    assert!(report.handed_back > 0, "{report}");
    cluster.server(0).thaw();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn due_runs_of_other_nodes_are_moved_while_the_one_that_knows_the_leader_hangs() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let hanging = cluster.holder("mosquito:leader", 0);
    let names = cluster.names();
    let crew = Crew::work(&mosquito, |runner| runner.queues(names.clone()));
    let well = &names[(hanging + 1) % 3];
    enqueue(&mosquito, well, "before").await;
    crew.log.has("before", 1).await;

    cluster.server(hanging).freeze();
    for n in 0..3 {
        let later = Note { word: format!("later {n}") };
        let _ = mosquito.enqueue(later).queue(well).delay(Duration::from_secs(1)).await.unwrap();
        crew.log.has(&format!("later {n}"), 1).await;
    }

    cluster.server(hanging).thaw();
    let _ = crew.stop().await;
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
