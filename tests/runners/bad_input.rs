//! Bad input: a sentence that says what, where and what would be right; and nothing is lost.

use std::sync::Arc;
use std::time::Duration;

use mosquito::backend::memory::Memory;
use mosquito::backend::{List, Rescue, Ticket};
use mosquito::events::Event;
use mosquito::{Body, Clock, Error, JobName, Mosquito, NewRun, OverseerId, QueueName, RunId, When};
use mosquito_tests::{RedisServer, soon};
use serde_json::value::RawValue;

use crate::jobs::Note;
use crate::working::{memory, work};

/// Enqueues a run of any name with any arguments, as another language might.
async fn enqueue_by_hand(mosquito: &Mosquito, job: &str, args: &str) -> RunId {
    let args = RawValue::from_string(args.into()).unwrap();
    let run = NewRun::new(RunId::random(), When::Now, &Body::new(&JobName::new(job).unwrap(), &args));
    let answers = mosquito.backend().enqueue(&QueueName::new("notes").unwrap(), &[run]).await.unwrap();
    answers[0].id().clone()
}

#[tokio::test(start_paused = true)]
async fn arguments_that_do_not_decode_go_to_dead_with_the_path_and_their_bytes() {
    let mosquito = memory().await;
    let id = enqueue_by_hand(&mosquito, "note", r#"{"word": {"nested": 7}}"#).await;

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.finished(1).await;
    let report = working.stop().await;

    let run = mosquito.queue("notes").unwrap().find(&id).await.unwrap().expect("it is not lost");
    assert_eq!((run.list, report.failed), (List::Dead, 1));
    let reason = run.history.error.unwrap();
    assert!(
        reason.starts_with("the arguments do not decode as job `note` at `word`: invalid type: map"),
        "{reason}"
    );
    assert!(String::from_utf8(run.envelope).unwrap().contains(r#"{"word": {"nested": 7}}"#));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_job_waits_for_a_process_that_knows_it() {
    let clock = Clock::manual();
    let mosquito = Mosquito::new(Arc::new(Memory::with_clock(clock.clone())));
    let id = enqueue_by_hand(&mosquito, "not_yet_deployed", "{}").await;

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let again = |event: &Event| matches!(event, Event::Finished { .. }).then_some(());
    for _ in 0..5 {
        working.within(Duration::from_secs(60), "offered again", again).await;
        clock.step(30_000);
    }
    working.within(Duration::from_secs(60), "offered again", again).await;
    let report = working.stop().await;
    let run = mosquito.queue("notes").unwrap().find(&id).await.unwrap().expect("it is not lost");
    assert_eq!((run.list, run.history.attempts, report.put_off), (List::Scheduled, 0, 6));
    assert_eq!(run.history.unknown, 6, "it is given up after days of this");
}

#[tokio::test]
async fn arguments_over_the_limit_are_refused_before_anything_is_sent() {
    let mosquito = Mosquito::builder().payload_limit(100).connect("memory://").await.unwrap();

    let error = mosquito.enqueue(Note { word: "x".repeat(100) }).await.unwrap_err();
    let at_the_limit = mosquito.enqueue(Note { word: "x".repeat(100 - r#"{"word":""}"#.len()) }).await;

    assert_eq!(
        error.to_string(),
        "the arguments of job `note` take 111 bytes, more than the limit of 100; \
         enqueue a reference to the data instead, or raise `payload_limit`"
    );
    assert!(at_the_limit.is_ok());
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn a_bulk_enqueue_that_stops_on_the_way_says_how_far_it_came() {
    let mosquito = Mosquito::builder().payload_limit(100).connect("memory://").await.unwrap();
    let notes = (0..1_500).map(|n| Note { word: if n == 1_234 { "x".repeat(200) } else { n.to_string() } });

    let error = mosquito.enqueue_all(notes).await.unwrap_err();

    assert!(matches!(error, Error::Incomplete { enqueued: 1_234, .. }), "{error:?}");
    assert!(format!("{error:?}").contains("because: the arguments of job `note` take"), "{error:?}");
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().waiting, 1_234);
}

#[tokio::test]
async fn names_outside_the_alphabet_are_refused() {
    let mosquito = memory().await;

    let enqueue = mosquito.enqueue(Note { word: "x".into() }).queue("no spaces").await.unwrap_err();
    let look = mosquito.queue("{mail}").unwrap_err();

    assert!(enqueue.to_string().contains("`no spaces` cannot be a queue name: it has the character ' '"));
    assert!(look.to_string().contains("a queue name is 1 to 128 of the characters A-Z a-z 0-9 _ . : -"));
    assert!(mosquito.queues().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unreachable_redis_is_told_with_its_address_and_soon() {
    let begin = std::time::Instant::now();

    let error = Mosquito::connect("redis://user:secret@127.0.0.1:1/").await.unwrap_err();

    assert!(error.is_transient());
    assert_eq!(error.to_string(), "Redis at 127.0.0.1:1 is out of reach");
    assert!(!format!("{error:?}").contains("secret"));
    assert!(begin.elapsed() < Duration::from_secs(6), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_wrong_url_is_told_what_is_wrong_with_it() {
    for url in ["redis://", "redis://127.0.0.1:notaport/", "redis://127.0.0.1/notadatabase"] {
        let error = Mosquito::connect(url).await.unwrap_err();

        assert!(matches!(error, Error::Url { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn tls_to_a_server_without_it_is_an_error_and_not_a_panic() {
    let server = RedisServer::start();

    let error = Mosquito::connect(&server.url().replace("redis://", "rediss://")).await.unwrap_err();

    assert!(error.to_string().contains("Redis at 127.0.0.1"), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_a_refusal_and_not_an_outage() {
    let server = RedisServer::start();
    let _: String = server.command(&["CONFIG", "SET", "requirepass", "right"]);
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}/", server.port());

    let wrong = Mosquito::connect(&with("wrong")).await.unwrap_err();
    let none = Mosquito::connect(&server.url()).await.unwrap_err();
    let right = Mosquito::connect(&with("right")).await;

    assert!(!wrong.is_transient() && !none.is_transient());
    assert!(wrong.to_string().contains("the user or password in its URL is wrong"), "{wrong:?}");
    assert!(none.to_string().contains("the user or password in its URL is wrong"), "{none:?}");
    let right = format!("{:?}", right.unwrap());
    assert!(
        right.contains("Redis at 127.0.0.1") && !right.contains(":right@"),
        "a password is never shown: {right}"
    );
}

#[tokio::test]
async fn a_foreign_key_under_each_of_our_names_is_told_and_nothing_is_half_written() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    for part in ["waiting", "runs", "scheduled", "wake", "due"] {
        let key = format!("mosquito:{{notes}}:{part}");
        let _: i64 = server.command(&["SADD", &key, "foreign"]);
        let (now, later) = (Note { word: "x".into() }, Note { word: "y".into() });
        let mut refused = vec![mosquito.enqueue(later).delay(Duration::from_secs(60)).await.unwrap_err()];
        // A run for now stands in none of these two.
        if !matches!(part, "scheduled" | "due") {
            refused.push(mosquito.enqueue(now).await.unwrap_err());
        }

        for error in refused {
            assert!(
                error.to_string().starts_with(&format!("the key `{key}` holds a set that is not mosquito's")),
                "{error:?}"
            );
        }
        let keys: Vec<String> = server.command(&["KEYS", "mosquito:{notes}:*"]);
        assert_eq!(keys, std::slice::from_ref(&key), "nothing else was written");
        let _: i64 = server.command(&["DEL", &key]);
    }
}

#[tokio::test]
async fn what_somebody_else_keeps_is_neither_overwritten_nor_removed() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let notes = mosquito.queue("notes").unwrap();
    for part in ["paused", "dead"] {
        let _: i64 = server.command(&["SADD", &format!("mosquito:{{notes}}:{part}"), "foreign"]);
    }

    let errors = [notes.pause().await.unwrap_err(), notes.flush().await.unwrap_err()];

    assert!(errors.iter().all(|error| matches!(error, Error::ForeignKey { .. })), "{errors:?}");
    for part in ["paused", "dead"] {
        let kept: i64 = server.command(&["SCARD", &format!("mosquito:{{notes}}:{part}")]);
        assert_eq!(kept, 1, "{part}");
    }
}

#[tokio::test]
async fn a_queue_that_cannot_be_told_of_a_pause_hides_no_others() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _ = mosquito.enqueue(Note { word: "x".into() }).queue("broken").await.unwrap();
    let _: i64 = server.command(&["SADD", "mosquito:{broken}:held", "foreign"]);
    let error = mosquito.resume().await.unwrap_err();
    assert!(matches!(error, Error::ForeignKey { .. }), "{error:?}");
    let soon_due =
        mosquito.enqueue(Note { word: "y".into() }).queue("elsewhere").delay(Duration::from_millis(50));
    let _ = soon_due.await.unwrap();

    let working = work(&mosquito, |runner| runner.queues(["notes"]));
    let elsewhere = mosquito.queue("elsewhere").unwrap();
    soon("it is found, and what is due there is promoted", || async {
        let sizes = elsewhere.sizes().await.unwrap();
        if sizes.waiting == 1 { Ok(()) } else { Err(sizes) }
    })
    .await;
    let _ = working.stop().await;
}

#[tokio::test]
async fn a_garbled_envelope_goes_to_dead_as_it_is() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let garbage = r#"{"v":1,"job":"note""#;
    let _: i64 = server.command(&["HSET", "mosquito:{notes}:runs", "by-hand", garbage]);
    let _: i64 = server.command(&["LPUSH", "mosquito:{notes}:waiting", "by-hand"]);

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.finished(1).await;
    let _ = working.stop().await;

    let run = mosquito.queue("notes").unwrap().find(&RunId::new("by-hand").unwrap()).await.unwrap().unwrap();
    assert_eq!((run.list, run.envelope), (List::Dead, garbage.as_bytes().to_vec()));
    assert!(run.history.error.unwrap().contains("the envelope cannot be read"));
}

#[tokio::test]
async fn an_envelope_of_a_newer_release_is_left_for_one() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let _: i64 = server.command(&["HSET", "mosquito:{notes}:runs", "newer", r#"{"v":2,"jobs":[]}"#]);
    let _: i64 = server.command(&["LPUSH", "mosquito:{notes}:waiting", "newer"]);

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.finished(1).await;
    let report = working.stop().await;

    let run = mosquito.queue("notes").unwrap().find(&RunId::new("newer").unwrap()).await.unwrap().unwrap();
    assert_eq!((run.list, run.history.attempts, report.put_off), (List::Scheduled, 0, 1));
}

#[tokio::test]
async fn an_id_that_no_client_would_give_holds_nothing_up() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let strange = "not / an id, märz";
    let envelope = r#"{"enqueued_at":1,"v":1,"job":"note","args":{"word":"strange"}}"#;
    let _: i64 = server.command(&["HSET", "mosquito:{notes}:runs", strange, envelope]);
    let _: i64 = server.command(&["LPUSH", "mosquito:{notes}:waiting", strange]);
    let queue = QueueName::new("notes").unwrap();
    let dead = Ticket { overseer: OverseerId::random(), number: 1 };
    let claimed = mosquito.backend().claim(&queue, &dead, 1).await.unwrap();
    assert_eq!(claimed.runs[0].id.as_str(), strange);
    let pending = mosquito.queue("notes").unwrap().page(List::Pending, 0, 9).await.unwrap();
    assert_eq!(pending[0].id.as_str(), strange);
    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    assert_eq!(mosquito.backend().rescue(&queue, &rescue).await.unwrap().rescued[0].as_str(), strange);
    let _ = mosquito.enqueue(Note { word: "usual".into() }).await.unwrap();

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.finished(2).await;
    let mut lines = working.log.lines();
    let _ = working.stop().await;

    lines.sort();
    assert_eq!(lines, ["strange 2 notes", "usual 1 notes"]);
    assert_eq!(mosquito.queue("notes").unwrap().sizes().await.unwrap().total(), 0);
}
