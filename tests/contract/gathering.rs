//! How Redis is asked when many enqueue at once: in few calls, and whatever becomes of these, each caller learns it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use mosquito::backend::redis::Redis;
use mosquito::backend::{Backend, Enqueued};
use mosquito::{Error, Flow, NewRun, Priority, QueueName, Result};
use mosquito_tests::RedisServer;
use tokio::task::JoinSet;

use crate::making::{queue, run, run_id, run_in, run_with};
use crate::store::REDIS;

/// Every answered write is on the disk.
const KEEPS: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

async fn client(server: &RedisServer, prefix: &str) -> (Redis, QueueName) {
    (Redis::connect(&server.url(), prefix).await.expect("the server answers"), queue("mail"))
}

/// A run for each of so many callers; every fourth has a flow.
fn runs(count: usize) -> Vec<NewRun> {
    let flow = |n| match n % 4 {
        0 => Flow { priority: Priority::FIRST, ..Flow::default() },
        _ => Flow::default(),
    };
    (0..count).map(|n| run(&format!("run-{n}")).flowing(flow(n))).collect()
}

async fn all_at_once(redis: &Redis, mail: &QueueName, runs: &[NewRun]) -> Vec<Result<Vec<Enqueued>>> {
    join_all(runs.chunks(1).map(|run| redis.enqueue(mail, run))).await
}

/// How many scripts were called by their name.
fn calls(server: &RedisServer) -> usize {
    let told: String = server.command(&["INFO", "commandstats"]);
    let line = told.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
    let count = line.and_then(|line| line.split(',').next());
    count.expect("a script was called").parse().expect("it is a number")
}

#[tokio::test]
async fn sixty_four_at_once_take_fewer_calls_than_runs() {
    let server = RedisServer::start();
    let (redis, mail) = client(&server, "few-calls").await;
    let _first = redis.enqueue(&mail, &[run("first")]).await.expect("it is enqueued");
    let before = calls(&server);

    let (redis, mail) = (&redis, &mail);
    join_all((0..64).map(|caller| async move {
        for n in 0..25 {
            let answers = redis.enqueue(mail, &[run(&format!("{caller}-{n}"))]).await;
            assert!(answers.expect("it is enqueued")[0].is_new());
        }
    }))
    .await;

    let calls = calls(&server) - before;
    assert!(calls <= 64 * 25 / 2, "{calls} calls of 1,600 runs");
    assert_eq!(redis.sizes(mail).await.expect("sizes are told").waiting, 1_601);
}

#[tokio::test]
async fn one_at_a_time_is_a_call_each() {
    let server = RedisServer::start();
    let (redis, mail) = client(&server, "a-call-each").await;
    let _first = redis.enqueue(&mail, &[run("first")]).await.expect("it is enqueued");
    let before = calls(&server);

    for run in runs(20).iter().filter(|run| run.flow.is_none()) {
        let _new = redis.enqueue(&mail, std::slice::from_ref(run)).await.expect("it is enqueued");
    }

    assert_eq!(calls(&server) - before, 15, "nothing else is asked");
}

#[tokio::test]
async fn an_error_is_told_to_each_of_those_who_gathered() {
    let (redis, mail) = client(&REDIS, "told-to-each").await;
    let waiting = "told-to-each:{mail}:waiting";
    REDIS.command::<()>(&["SET", waiting, "x"]);

    let refused = all_at_once(&redis, &mail, &runs(64)).await;

    for refused in refused {
        let error = refused.expect_err("nothing can be put there");
        assert!(matches!(&error, Error::ForeignKey { key, .. } if key == waiting), "{error:?}");
    }
    REDIS.command::<()>(&["DEL", waiting]);
    let answers = all_at_once(&redis, &mail, &runs(64)).await;
    assert!(answers.into_iter().all(|answer| answer.expect("it is enqueued")[0].is_new()), "none was there");
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_told_it_again_while_many_enqueue() {
    let server = RedisServer::start();
    let (redis, mail) = client(&server, "forgotten").await;
    for round in 0..5 {
        server.command::<()>(&["SCRIPT", "FLUSH"]);
        let runs: Vec<_> = (0..64).map(|n| run(&format!("{round}-{n}"))).collect();

        let answers = all_at_once(&redis, &mail, &runs).await;

        assert!(answers.into_iter().all(|answer| answer.expect("it is enqueued")[0].is_new()));
    }
}

#[tokio::test]
async fn large_runs_at_once_are_more_calls_and_all_arrive() {
    let (redis, mail) = client(&REDIS, "large").await;
    let large = format!("\"{}\"", "x".repeat(60_000));
    let runs: Vec<_> =
        (0..60).map(|n| run_with(&format!("large-{n}"), &large, mosquito::When::Now)).collect();

    let answers = all_at_once(&redis, &mail, &runs).await;

    for (answer, run) in answers.into_iter().zip(&runs) {
        assert_eq!(answer.expect("it is enqueued"), [Enqueued::New(run.id.clone())]);
    }
}

#[tokio::test]
async fn an_envelope_is_taken_with_and_without_its_brace() {
    let (redis, mail) = client(&REDIS, "brace").await;
    let script = include_str!("../../mosquito/src/backend/redis/scripts/enqueue.lua");
    let keys = ["waiting", "scheduled", "runs", "wake", "due"].map(|key| format!("brace:{{mail}}:{key}"));
    let bodies = [r#"{"v":1,"job":"greet","args":7}"#, r#""v":1,"job":"greet","args":7}"#];
    let mut words = vec!["EVAL", script, "5"];
    words.extend(keys.iter().map(String::as_str));
    words.extend(["with", bodies[0], "", "without", bodies[1], "+60000"]);

    let answers: Vec<u8> = REDIS.command(&words);

    assert_eq!(answers, [1, 1]);
    for id in ["with", "without"] {
        let stored = redis.find(&mail, &run_id(id)).await.expect("it is looked up").expect("it is there");
        let envelope = mosquito::Envelope::read(&stored.envelope).expect("it is one");
        assert_eq!((envelope.job.as_str(), envelope.args.get()), ("greet", "7"));
    }
}

#[tokio::test]
async fn many_at_once_at_a_server_that_hangs_are_given_up_together() {
    let server = RedisServer::start();
    let (redis, mail) = client(&server, "hangs").await;
    let _first = redis.enqueue(&mail, &[run("first")]).await.expect("it is enqueued");

    server.freeze();
    let began = Instant::now();
    let failed = all_at_once(&redis, &mail, &runs(64)).await;
    let took = began.elapsed();
    server.thaw();

    assert!(failed.iter().all(|failed| failed.as_ref().is_err_and(Error::is_transient)), "{failed:?}");
    assert!(took < Duration::from_secs(9), "nobody waits for the deadline of another: {took:?}");
    let again = all_at_once(&redis, &mail, &runs(64)).await;
    let own = |(again, run): (&Result<Vec<Enqueued>>, &NewRun)| matches!(again, Ok(answers) if *answers[0].id() == run.id);
    assert!(again.iter().zip(&runs(64)).all(own), "they can be asked again: {again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_while_many_enqueue_has_all_that_it_answered() {
    let mut server = RedisServer::start_with(&KEEPS);
    let (redis, mail) = client(&server, "killed").await;
    let (redis, enough) = (Arc::new(redis), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for caller in 0..32 {
        let (redis, mail, enough) = (redis.clone(), mail.clone(), enough.clone());
        callers.spawn(async move {
            let mut answered = Vec::new();
            for n in 0.. {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                let id = format!("{caller}-{n}");
                let run = if n % 3 == 0 { run_in(&id, Duration::from_secs(3600)) } else { run(&id) };
                match redis.enqueue(&mail, &[run]).await {
                    Ok(_) => answered.push(id),
                    Err(error) => {
                        assert!(error.is_transient(), "{error:?}");
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
            answered
        });
    }

    for _ in 0..3 {
        let stored = || redis.sizes(&mail);
        let before = stored().await.map_or(0, |sizes| sizes.total());
        mosquito_tests::soon("more is enqueued", || async {
            match stored().await {
                Ok(sizes) if sizes.total() > before + 200 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        tokio::task::block_in_place(|| {
            server.kill();
            server.start_again();
        });
    }
    enough.store(true, Ordering::Relaxed);
    let answered: BTreeSet<_> = callers.join_all().await.into_iter().flatten().collect();

    let stored: Vec<String> = server.command(&["HKEYS", "killed:{mail}:runs"]);
    let stored: BTreeSet<_> = stored.into_iter().collect();
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    let sizes = redis.sizes(&mail).await.expect("sizes are told");
    assert_eq!(sizes.total(), stored.len(), "each run stands in one list");
}
