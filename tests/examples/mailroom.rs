//! The mailroom's producer and workers, as the processes that they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use mosquito_tests::{Ledger, Program, RedisServer, soon};
use nix::sys::signal::Signal;

use crate::programs::{SOON, binary};

const LETTERS: u64 = 1_500;
const EXECUTORS: usize = 10;

fn worker(server: &RedisServer, ledger: &Path) -> Program {
    binary("mailroom-worker")
        .env("REDIS_URL", server.url())
        .arg("--ledger")
        .arg(ledger)
        .arg("--work-ms=30")
        .arg("--heartbeat-ms=250")
        .arg("--dead-after-ms=3000")
        .arg(format!("--executors={EXECUTORS}"))
}

/// Who sent each letter, in the order of the ledger.
fn read(ledger: &Path) -> Vec<(u64, u32)> {
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok()).expect("a number");
    let line = |line: &str| {
        let mut words = line.split(' ');
        (u64::from(number(words.nth(1))), number(words.nth(3)))
    };
    fs::read_to_string(ledger).unwrap_or_default().lines().map(line).collect()
}

#[tokio::test]
async fn no_letter_is_lost_when_a_worker_is_killed() {
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("ledger");
    let mut producer = binary("mailroom-producer")
        .env("REDIS_URL", server.url())
        .arg("--letters")
        .arg(LETTERS.to_string())
        .start();
    assert!(producer.wait_for_end(SOON).success());
    let (mut victim, survivor) = (worker(&server, &path).start(), worker(&server, &path).start());
    let by = |process: u32| move |sent: &&(u64, u32)| sent.1 == process;
    soon("both workers send letters", || async {
        let sent = read(&path);
        let counts = [victim.id(), survivor.id()].map(|process| sent.iter().filter(by(process)).count());
        if counts.iter().all(|count| *count > 30) { Ok(()) } else { Err(counts) }
    })
    .await;

    victim.kill();

    let in_flight: usize = server.command(&["ZCARD", "mailroom:{mailroom}:pending"]);
    let expected = Ledger::new();
    (1..=LETTERS).for_each(|letter| expected.expect(letter));
    let left = || server.command::<usize>(&["HLEN", "mailroom:{mailroom}:runs"]);
    soon("nothing is left to be sent", || async { if left() == 0 { Ok(()) } else { Err(left()) } }).await;
    let sent = read(&path);
    sent.iter().for_each(|(letter, _)| expected.performed(letter));
    expected.assert_no_gap();
    // What the victim had sent, but could not say so any more, is in the ledger twice.
    let doubles = expected.doubles().len();
    assert!(doubles <= in_flight, "{in_flight} letters were in flight, no others may come twice\n{expected}");
    println!("{in_flight} letters were in flight at the kill, {doubles} of them were sent twice");
    let mut by_letter = BTreeMap::<u64, Vec<u32>>::new();
    sent.iter().for_each(|(letter, process)| by_letter.entry(*letter).or_default().push(*process));
    let twice = by_letter.values().filter(|processes| processes.len() > 1);
    twice.for_each(|processes| assert_eq!(*processes, [victim.id(), survivor.id()], "by the dead one first"));
    drop(survivor);
}

#[test]
fn a_worker_that_is_told_to_stop_says_what_it_did() {
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let worker = worker(&server, &folder.path().join("ledger")).env("RUST_LOG", "mosquito=info");
    let mut worker = worker.start();
    let _working = worker.wait_for_line("overseer started", SOON);

    worker.signal(nix::sys::signal::Signal::SIGTERM);

    assert!(worker.wait_for_end(SOON).success(), "{:#?}", worker.lines());
    let done = worker.wait_for_line("is done", SOON);
    assert!(done.ends_with("performed 0, failed 0, handed back 0"), "{done}");
}

#[tokio::test]
async fn a_second_signal_ends_a_worker_at_once_and_its_letters_are_handed_back() {
    let (server, folder) = (RedisServer::start(), tempfile::tempdir().unwrap());
    let mut producer = binary("mailroom-producer").env("REDIS_URL", server.url()).arg("--letters=5").start();
    assert!(producer.wait_for_end(SOON).success());
    let mut worker = binary("mailroom-worker")
        .env("REDIS_URL", server.url())
        .arg("--ledger")
        .arg(folder.path().join("ledger"))
        .arg("--work-ms=600000")
        .env("RUST_LOG", "mosquito=info")
        .start();
    let length =
        |list: &str| server.command::<usize>(&["EVAL", COUNT, "1", &format!("mailroom:{{mailroom}}:{list}")]);
    soon("all letters are being sent", || async {
        let pending = length("pending");
        if pending == 5 { Ok(()) } else { Err(pending) }
    })
    .await;

    worker.signal(Signal::SIGTERM);
    let _told = worker.wait_for_line("stopping", SOON);
    let begin = Instant::now();
    worker.signal(Signal::SIGTERM);
    let status = worker.wait_for_end(SOON);

    // By itself when all is handed back, or by the signal when that takes too long.
    assert!([Some(0), Some(128 + 15)].contains(&status.code()), "{status}");
    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    assert_eq!((length("pending"), length("waiting")), (0, 5), "the next worker begins with them");
}

/// How long a list or sorted set is.
const COUNT: &str = "if redis.call('TYPE', KEYS[1]).ok == 'zset' then return redis.call('ZCARD', KEYS[1]) end \
                     return redis.call('LLEN', KEYS[1])";

#[test]
fn a_worker_that_does_not_link_its_jobs_is_told_the_cure() {
    let mut worker = binary("mailroom-worker-unlinked").start();

    let status = worker.wait_for_end(SOON);

    assert_eq!(status.code(), Some(1));
    let reason = worker.wait_for_line("no job is registered in this process", SOON);
    assert!(reason.contains("mosquito::link!(your_jobs_crate);"), "{reason}");
    assert!(!worker.lines().iter().any(|line| line.contains("never printed")), "{:#?}", worker.lines());
}
