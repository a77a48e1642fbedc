//! A store that goes away and comes back, or refuses for good.

use std::time::Duration;

use mosquito::events::Event;
use mosquito::{Error, Mosquito};
use mosquito_tests::RedisServer;

use crate::jobs::Note;
use crate::working::work;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_redis_is_survived_and_nothing_is_lost() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let _ = mosquito.enqueue(Note { word: "before".into() }).await.unwrap();
    working.finished(1).await;
    let later = (0..50).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(later).delay(Duration::from_secs(2)).await.unwrap();

    server.kill();
    working.next("backend lost", |event| matches!(event, Event::BackendLost { .. }).then_some(())).await;
    let refused = mosquito.enqueue(Note { word: "meanwhile".into() }).await.unwrap_err();
    server.start_again();
    working.next("backend back", |event| matches!(event, Event::BackendBack { .. }).then_some(())).await;
    working.finished(50).await;

    assert!(refused.is_transient(), "{refused:?}");
    let mut lines = working.log.lines();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 51, "{lines:?}");
    assert_eq!(working.stop().await.performed, 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_is_not_said_to_be_back_by_those_who_had_nothing_to_ask() {
    let mut server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working =
        work(&mosquito, |runner| runner.queues(["notes"]).reap_every(Duration::from_millis(50)));
    let _ = mosquito.enqueue(Note { word: "before".into() }).await.unwrap();
    working.finished(1).await;

    server.kill();
    working.next("backend lost", |event| matches!(event, Event::BackendLost { .. }).then_some(())).await;
    let back = tokio::time::timeout(Duration::from_secs(3), async {
        while !matches!(working.events.next().await, Some(Event::BackendBack { .. })) {}
    });
    let is_away = back.await.is_err();
    server.start_again();
    working.next("backend back", |event| matches!(event, Event::BackendBack { .. }).then_some(())).await;

    assert!(is_away, "nobody could have got an answer");
    let _ = working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_again_and_again_cost_no_run() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]).executors(20));
    let notes = (0..20_000).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(notes).await.unwrap();

    let cutting = tokio::task::spawn_blocking(move || {
        for _ in 0..10 {
            let _: i64 = server.command(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    });
    let server = cutting.await.unwrap();
    mosquito_tests::soon("the queue is empty", || async {
        match mosquito.queue("notes").unwrap().sizes().await {
            Ok(sizes) if sizes.total() == 0 => Ok(()),
            other => Err(other),
        }
    })
    .await;

    let mut lines = working.log.lines();
    let performed = lines.len();
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), 20_000, "every run was performed");
    assert_eq!(performed, 20_000, "and none twice: a cut connection is no crash");
    working.events = mosquito.events();
    let report = working.stop().await;
    assert_eq!((report.performed, report.unsettled), (20_000, 0), "{report}");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runner_that_stops_while_redis_is_away_still_stops() {
    let mut server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working =
        work(&mosquito, |runner| runner.queues(["notes"]).shutdown_grace(Duration::from_secs(2)));
    let _ = mosquito.enqueue(Note { word: "before".into() }).await.unwrap();
    working.finished(1).await;

    server.freeze();
    let begin = std::time::Instant::now();
    let report = working.stop().await;

    assert!(begin.elapsed() < Duration::from_secs(8), "it took {:?}", begin.elapsed());
    assert!(report.performed <= 1);
    server.thaw();
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_for_good_ends_the_runner_with_a_sentence() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let working = work(&mosquito, |runner| runner.queues(["notes"]));
    let _: i64 = server.command(&["SADD", "mosquito:{notes}:waiting", "somebody else's"]);

    let error = working.end().await.unwrap_err();

    assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the key `mosquito:{notes}:waiting` holds a set that is not mosquito's, which keeps a list there; \
         choose another prefix, or move that key away"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_cannot_be_settled_ends_the_runner_and_holds_up_no_other() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _: i64 = server.command(&["SADD", "mosquito:{bad}:dead", "somebody else's"]);
    let _ = mosquito.enqueue(Note { word: "bad".into() }).queue("bad").await.unwrap();
    let good = (0..100).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(good).queue("good").await.unwrap();

    let working = work(&mosquito, |runner| runner.queues(["bad", "good"]).executors(200));
    let error = working.end().await.unwrap_err();

    assert!(error.to_string().starts_with("the key `mosquito:{bad}:dead` holds a set"), "{error:?}");
    let good = mosquito.queue("good").unwrap().sizes().await.unwrap();
    assert_eq!(good.pending, 0, "what the others had done is on record");
}
