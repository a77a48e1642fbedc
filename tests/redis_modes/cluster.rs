//! What is special about a cluster: slots that move, and signals in several of them.

use std::time::{Duration, Instant};

use mosquito::backend::{Backend, Signal};
use mosquito::{Mosquito, QueueName};
use mosquito_tests::{RedisCluster, soon};

use crate::crew::{Crew, Writer, enqueue, is_empty};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(100);

fn queues(count: usize) -> Vec<QueueName> {
    (0..count).map(|n| QueueName::new(format!("queue-{n}")).expect("it is a name")).collect()
}

async fn wait(backend: &dyn Backend, queues: &[QueueName], timeout: Duration) -> Option<String> {
    let woken = backend.wait(Signal::Work, queues, timeout).await;
    woken.expect("a wait is answered").map(|queue| queue.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_takes_its_queue_along_and_loses_no_run() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let [queue, ..] = cluster.names();
    let crew = Crew::work(&mosquito, |runner| runner.queues([&*queue]));
    let writer = Writer::start(&mosquito, &queue);
    crew.log.has(&format!("{queue} 50"), 1).await;

    for to in [1, 2, 0] {
        cluster.move_slot(&queue, to);
        enqueue(&mosquito, &queue, &format!("at {to}")).await;
        crew.log.has(&format!("at {to}"), 1).await;
    }

    let words = writer.stop().await;
    crew.log.has_all(&words).await;
    is_empty(&mosquito, &queue).await;
    let again: Vec<_> = words.iter().filter(|word| crew.log.times(word) > 1).collect();
    assert!(again.is_empty(), "nobody died, so none was performed twice: {again:?}");
    assert_eq!(crew.stop().await.unsettled, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_many_queues_is_woken_by_each_over_a_bounded_number_of_connections() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    let queues = queues(40);

    for place in [0, 7, 20, 31, 32, 39, 3] {
        let queue = queues[place].to_string();
        let enqueued = async {
            soon("it waits", || async {
                if cluster.blocked() > 30 { Ok(()) } else { Err(cluster.blocked()) }
            })
            .await;
            assert!(cluster.blocked() <= 32, "{} connections wait", cluster.blocked());
            enqueue(&mosquito, &queue, "x").await;
        };
        let (woken, ()) = tokio::join!(wait(&**mosquito.backend(), &queues, LONG), enqueued);
        assert_eq!(woken.as_ref(), Some(&queue));
        assert_eq!(cluster.blocked(), 0, "nobody is waited for by a server any more");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_signals_that_come_at_once_each_is_heard() {
    let cluster = RedisCluster::start().await;
    let (waiting, writing) =
        (Mosquito::connect(&cluster.url()).await.unwrap(), Mosquito::connect(&cluster.url()).await.unwrap());
    let queues = queues(6);

    for round in 0..50 {
        let all = async {
            if round % 2 == 0 {
                tokio::time::sleep(Duration::from_millis(round)).await;
            }
            let enqueued = queues.iter().map(|queue| enqueue(&writing, queue.as_str(), "x"));
            futures_util::future::join_all(enqueued).await;
        };
        let (first, _) = tokio::join!(wait(&**waiting.backend(), &queues, LONG), all);
        let mut heard: Vec<_> = first.into_iter().collect();
        while heard.len() < queues.len() {
            let Some(queue) = wait(&**waiting.backend(), &queues, LONG).await else {
                panic!("round {round}: only {heard:?} were heard")
            };
            heard.push(queue);
        }
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), queues.len(), "round {round}: {heard:?}");
        for queue in &queues {
            waiting.backend().flush(queue).await.unwrap();
        }
    }
    let begin = Instant::now();
    assert_eq!(wait(&**waiting.backend(), &queues, SHORT).await, None, "and none of them twice");
    assert!(begin.elapsed() < LONG);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_forgotten_the_scripts_is_told_them_again() {
    let cluster = RedisCluster::start().await;
    let mosquito = Mosquito::connect(&cluster.url()).await.unwrap();
    for round in ["first", "second"] {
        for queue in cluster.names() {
            enqueue(&mosquito, &queue, round).await;
        }
        for place in 0..3 {
            let _: String = cluster.server(place).command(&["SCRIPT", "FLUSH"]);
        }
    }

    for queue in cluster.names() {
        assert_eq!(mosquito.queue(&queue).unwrap().sizes().await.unwrap().waiting, 2);
    }
}
