//! What the client does for each run.

use divan::{Bencher, black_box, counter::ItemsCount};
use mosquito::__bench::{Jobs, Wire};
use mosquito::backend::{ClaimToken, Fate, Settlement};
use mosquito::{Envelope, History, Outcome, Retry, RunId, Timestamp, decide, stamped};

use crate::jobs::{Numbered, Plain, args};

const RUNS: usize = 100;

/// The arguments become JSON, and with the name of the job the envelope.
#[divan::bench]
fn envelope_encode() -> mosquito::NewRun {
    Plain::run(black_box(7))
}

#[divan::bench]
fn arguments_encode(bencher: Bencher) {
    let job = Plain::number(1_000_007);
    bencher.bench(|| args(black_box(&job)));
}

#[divan::bench]
fn envelope_decode(bencher: Bencher) {
    let envelope = stored(7);
    bencher.bench(|| Envelope::read(black_box(&envelope)).expect("it was written here"));
}

#[divan::bench]
fn registry_lookup(bencher: Bencher) {
    let (jobs, name) = (Jobs::collect(), Plain::job_name());
    bencher.bench(|| jobs.find(black_box(&name)).expect("it is linked") as *const _);
}

#[divan::bench]
fn decide_success(bencher: Bencher) {
    let history = History::default();
    bencher.bench(|| decide(black_box(&Outcome::Succeeded), &history, &Retry::DEFAULT, None, 0.5));
}

#[divan::bench]
fn decide_failure(bencher: Bencher) {
    let history = History { attempts: 1, ..History::default() };
    let failed = Outcome::Failed { error: "connection refused".into(), retry_after: None };
    bencher.bench(|| decide(black_box(&failed), &history, &Retry::DEFAULT, None, 0.5));
}

/// A settling call becomes bytes.
#[divan::bench]
fn wire_settle_of_100(bencher: Bencher) {
    let wire = Wire::default();
    let settlements: Vec<_> = (0..RUNS)
        .map(|at| Settlement { id: RunId::random(), token: token(at), fate: Fate::Forget })
        .collect();
    bencher.counter(ItemsCount::new(RUNS)).bench(|| wire.settle(black_box(&settlements)));
}

/// The bytes that answer a claim become claims.
#[divan::bench]
fn wire_claimed_of_100(bencher: Bencher) {
    let (wire, answer) = (Wire::default(), answer_to_a_claim());
    assert_eq!(wire.claimed(&answer, CLAIM).runs.len(), RUNS, "it is read");
    bencher.counter(ItemsCount::new(RUNS)).bench(|| wire.claimed(black_box(&answer), CLAIM));
}

/// An envelope as a store has it.
fn stored(number: usize) -> Vec<u8> {
    stamped(Plain::run(number).body(), Timestamp::UNIX_EPOCH).into_bytes()
}

const CLAIM: &str = "01a2036b7b0470ba8441605963b4edb4/0000000000000007/";

fn token(at: usize) -> ClaimToken {
    ClaimToken(format!("{CLAIM}{at:02}/1700000000000"))
}

fn answer_to_a_claim() -> Vec<u8> {
    let mut answer = b"*8\r\n:0\r\n$4\r\nheld\r\n:1700000000000\r\n*0\r\n".to_vec();
    let ids = (0..RUNS).map(|_| RunId::random().as_str().as_bytes().to_vec());
    for list in [ids.collect(), (0..RUNS).map(stored).collect(), Vec::new(), Vec::new()] {
        let list: Vec<Vec<u8>> = list;
        answer.extend(format!("*{}\r\n", list.len()).bytes());
        for part in list {
            answer.extend(format!("${}\r\n", part.len()).bytes());
            answer.extend(part);
            answer.extend(b"\r\n");
        }
    }
    answer
}
