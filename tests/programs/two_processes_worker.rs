//! Enqueues, claims and settles in a SQLite file that others use at the same time, and prints what became of
//! each run: `enqueued ID`, `performed ID`, and `done` when nothing is left of anybody's.
//!
//! Arguments: the file, this process's name, how many runs it enqueues, how many there are of all processes.

use std::time::{Duration, Instant};

use mosquito::backend::sqlite::Sqlite;
use mosquito::backend::{Backend, Fate, Settled, Settlement, Signal, Ticket};
use mosquito::{Body, JobName, NewRun, OverseerId, QueueName, RunId, When};
use serde_json::value::RawValue;

const DEADLINE: Duration = Duration::from_secs(50);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, name, own, all] = &arguments[..] else { panic!("four arguments are needed: {arguments:?}") };
    let own: usize = own.parse().expect("the number of its runs");
    let all: usize = all.parse().expect("the number of all runs");
    let backend = Sqlite::open(path).await.expect("the file opens, whoever else does so now");
    let mail = QueueName::new("mail").expect("it is a name");

    tokio::join!(enqueue(&backend, &mail, name, own), perform(&backend, &mail, name, all));
    println!("done");
}

async fn enqueue(backend: &Sqlite, mail: &QueueName, name: &str, count: usize) {
    let job = JobName::new("send_letter").expect("it is a name");
    let args = RawValue::from_string("null".into()).expect("it is JSON");
    let ids: Vec<_> =
        (0..count).map(|n| RunId::new(format!("{name}-{n:04}")).expect("it is an id")).collect();
    // Of all sizes: single runs and batches wait for each other.
    for (n, ids) in ids.chunks(7).enumerate() {
        let runs: Vec<_> =
            ids.iter().map(|id| NewRun::new(id.clone(), When::Now, &Body::new(&job, &args))).collect();
        for runs in runs.chunks(1 + n % 7) {
            let answers = backend.enqueue(mail, runs).await.expect("runs are enqueued");
            assert!(
                answers.iter().all(mosquito::backend::Enqueued::is_new),
                "the ids are this process's own"
            );
            answers.iter().for_each(|answer| println!("enqueued {}", answer.id()));
        }
    }
}

/// Performs runs until all there are, of every process, are gone.
async fn perform(backend: &Sqlite, mail: &QueueName, name: &str, all: usize) {
    let overseer = OverseerId::new(name).expect("it is a name");
    let done = QueueName::new("done").expect("it is a name");
    let begin = Instant::now();
    for number in 1.. {
        assert!(begin.elapsed() < DEADLINE, "the runs come to an end");
        let ticket = Ticket { overseer: overseer.clone(), number };
        let claims = backend.claim(mail, &ticket, 5).await.expect("a claim is answered").runs;
        if claims.is_empty() {
            if backend.sizes(&done).await.expect("sizes are told").total() == all {
                return;
            }
            let pause = Duration::from_millis(20);
            let _signal =
                backend.wait(Signal::Work, std::slice::from_ref(mail), pause).await.expect("it waits");
            continue;
        }
        // What is done is counted in the store itself, where both processes see it.
        let job = JobName::new("done").expect("it is a name");
        let args = RawValue::from_string("null".into()).expect("it is JSON");
        let records: Vec<_> = claims
            .iter()
            .map(|claim| NewRun::new(claim.id.clone(), When::Now, &Body::new(&job, &args)))
            .collect();
        let recorded = backend.enqueue(&done, &records).await.expect("records are written");
        assert!(
            recorded.iter().all(mosquito::backend::Enqueued::is_new),
            "no run is claimed twice: {recorded:?}"
        );
        let batch: Vec<_> = claims
            .iter()
            .map(|claim| Settlement { id: claim.id.clone(), token: claim.token.clone(), fate: Fate::Forget })
            .collect();
        let settled = backend.settle(mail, &batch).await.expect("settlements are answered");
        assert!(settled.iter().all(|one| *one == Settled::Done), "the claims stand: {settled:?}");
        claims.iter().for_each(|claim| println!("performed {}", claim.id));
    }
}
