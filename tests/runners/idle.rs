//! A runner with nothing to do: it costs next to nothing, and is there at once when something comes.

use std::time::{Duration, Instant};

use mosquito::Mosquito;
use mosquito_tests::RedisServer;

use crate::jobs::Note;
use crate::working::work;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_runner_sends_at_most_two_commands_a_second_and_wakes_at_once() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let _ = mosquito.enqueue(Note { word: "warm".into() }).await.unwrap();
    working.finished(1).await;
    mosquito_tests::soon("operators are told that it is idle", || async {
        let all = mosquito.overseers().await.unwrap();
        if all.iter().any(|one| one.busy == 0) { Ok(()) } else { Err(all) }
    })
    .await;

    let before = commands(&server);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let sent = commands(&server) - before;
    assert!(sent <= 2 * 20, "{sent} commands in 20 s");

    let mut pickups = Vec::new();
    for n in 0..50 {
        // Long enough for the overseer to be waiting again.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let begin = Instant::now();
        let _ = mosquito.enqueue(Note { word: n.to_string() }).await.unwrap();
        working.finished(1).await;
        pickups.push(begin.elapsed());
    }
    pickups.sort();
    assert!(
        pickups[25] < Duration::from_millis(50),
        "from enqueue to done, the median of 50: {:?}",
        pickups[25]
    );
    println!("an idle runner sent {sent} commands in 20 s");
    println!("enqueue to done on an idle runner: median {:?}, worst {:?}", pickups[25], pickups[49]);
    assert_eq!(working.stop().await.performed, 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_whose_signal_was_lost_is_found_within_about_a_second() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let _ = mosquito.enqueue(Note { word: "warm".into() }).await.unwrap();
    working.finished(1).await;

    for n in 0..3 {
        // Long enough for the overseer to be waiting again.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (id, begin) = (format!("lost{n}"), Instant::now());
        let envelope = format!(r#"{{"enqueued_at":1,"v":1,"job":"note","args":{{"word":"{id}"}}}}"#);
        // As if the process that took the signal were dead.
        let _: i64 = server.command(&["HSET", "mosquito:{notes}:runs", &id, &envelope]);
        let _: i64 = server.command(&["LPUSH", "mosquito:{notes}:waiting", &id]);
        working.finished(1).await;
        let took = begin.elapsed();
        assert!(took < Duration::from_millis(2_500), "it took {took:?}");
        println!("found after {took:?}");
    }
    assert_eq!(working.stop().await.performed, 4);
}

/// The commands that clients sent, but for those that count them; what scripts do within is not counted.
fn commands(server: &RedisServer) -> usize {
    let info: String = server.command(&["INFO", "commandstats"]);
    let sent_by_clients = ["evalsha", "blpop", "sadd", "hgetall", "exists"];
    sent_by_clients
        .iter()
        .filter_map(|name| {
            info.split(&format!("cmdstat_{name}:calls=")).nth(1)?.split(',').next()?.parse::<usize>().ok()
        })
        .sum()
}
