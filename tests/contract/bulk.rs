//! How Redis is asked for many runs of one caller: one call after another, of which the next is made while one is on its way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mosquito::{Context, Enqueued, Error, JobResult, Mosquito, Perform, job};
use mosquito_tests::{RedisServer, soon};

/// How many runs are in one call.
const CHUNK: usize = 1_000;

#[job(queue = "mail")]
struct Letter {
    number: usize,
}

impl Perform for Letter {
    async fn perform(&self, _cx: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// Letters, and how many were taken so far.
fn letters(count: usize) -> (impl Iterator<Item = Letter> + Send + 'static, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = taken.clone();
    let letters = (0..count).map(move |number| {
        counted.fetch_add(1, Ordering::Relaxed);
        Letter { number }
    });
    (letters, taken)
}

async fn client(server: &RedisServer) -> Mosquito {
    let mosquito = Mosquito::connect(&server.url()).await.expect("the server answers");
    let _first = mosquito.enqueue(Letter { number: 0 }).await.expect("it is enqueued");
    mosquito
}

async fn stored(mosquito: &Mosquito) -> usize {
    let mail = mosquito.queue("mail").expect("it is a good name");
    mail.sizes().await.expect("sizes are told").total() - 1
}

#[tokio::test]
async fn the_next_runs_are_made_while_those_before_are_on_their_way() {
    let server = RedisServer::start();
    let mosquito = client(&server).await;
    let (letters, taken) = letters(CHUNK * 5 / 2);

    server.freeze();
    let enqueuing = tokio::spawn({
        let mosquito = mosquito.clone();
        async move { mosquito.enqueue_all(letters).await }
    });
    soon("the second call is made", || {
        let taken = taken.load(Ordering::Relaxed);
        async move { if taken >= CHUNK * 2 { Ok(()) } else { Err(taken) } }
    })
    .await;
    let before_any_answer = taken.load(Ordering::Relaxed);
    server.thaw();

    assert_eq!(before_any_answer, CHUNK * 2, "of which there are no more than two");
    let answers = enqueuing.await.expect("it does not panic").expect("they are enqueued");
    assert!(answers.len() == CHUNK * 5 / 2 && answers.iter().all(Enqueued::is_new));
    assert_eq!(stored(&mosquito).await, CHUNK * 5 / 2);
}

#[tokio::test]
async fn a_bulk_that_is_refused_on_the_way_says_how_many_are_there() {
    let server = RedisServer::start();
    let mosquito = client(&server).await;
    let memory: String = server.command(&["INFO", "memory"]);
    let used = memory.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("it is told");
    let used: usize = used.trim().parse().expect("it is a number");
    server.command::<()>(&["CONFIG", "SET", "maxmemory", &(used + (4 << 20)).to_string()]);
    let (letters, _taken) = letters(CHUNK * 100);

    let error = mosquito.enqueue_all(letters).await.expect_err("there is no room for all");

    let Error::Incomplete { enqueued, source } = &error else { panic!("{error:?}") };
    assert!(source.is_transient(), "{error:?}");
    assert!((CHUNK..CHUNK * 100).contains(enqueued), "some went through: {error:?}");
    assert_eq!(stored(&mosquito).await, *enqueued, "and no other");
}
