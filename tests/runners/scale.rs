//! What grows with the number of runs, of queues and of workers, and what does not: counted in commands, which no machine changes.

use std::time::{Duration, Instant};

use mosquito::backend::{Fate, Settlement, Ticket};
use mosquito::{Job, Mosquito, OverseerId, QueueName};
use mosquito_tests::{RedisServer, soon};

use crate::jobs::Note;
use crate::working::work;

const CALL: usize = 100;

#[tokio::test]
async fn a_claim_and_a_settlement_cost_the_same_however_many_runs_there_are() {
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let queue = QueueName::new(Note::SPEC.queue).unwrap();
    let overseer = OverseerId::random();
    let mut costs = Vec::new();
    // The first one is for what is done once.
    for (waiting, scheduled) in [(1_000, 0), (1_000, 0), (20_000, 0), (0, 20_000)] {
        mosquito.enqueue_all(notes(waiting)).await.unwrap();
        mosquito.enqueue_all(notes(scheduled)).delay(Duration::from_secs(86_400)).await.unwrap();
        let number = costs.len() as u64 + 1;

        let before = performed(&server);
        let ticket = Ticket { overseer: overseer.clone(), number };
        let claims = mosquito.backend().claim(&queue, &ticket, CALL).await.unwrap().runs;
        let claimed = performed(&server);
        let settlements: Vec<_> = claims
            .into_iter()
            .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::Forget })
            .collect();
        mosquito.backend().settle(&queue, &settlements).await.unwrap();
        let settled = performed(&server);

        assert_eq!(settlements.len(), CALL);
        costs.push((claimed - before, settled - claimed));
    }

    assert_eq!(costs[1], costs[2], "at 1,900 and at 21,800 waiting");
    assert_eq!(costs[1], costs[3], "beside 20,000 scheduled");
    assert!(costs[1].0 < CALL && costs[1].1 < CALL, "less than one for each run: {costs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_enqueue_wakes_one_of_many_idle_workers() {
    const WORKERS: usize = 20;
    const RUNS: usize = 40;
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..WORKERS {
        let mosquito = Mosquito::connect(&server.url()).await.unwrap();
        all.push(work(&mosquito, |runner| runner.queues(["notes"]).executors(5)));
    }
    soon("all workers wait for work", || async {
        let blocked: String = server.command(&["CLIENT", "LIST"]);
        let waiting = blocked.lines().filter(|client| client.contains("cmd=blpop")).count();
        // For work, and one of them, which leads, for what is due.
        if waiting > WORKERS { Ok(()) } else { Err(waiting) }
    })
    .await;

    let (begin, before) = (Instant::now(), sent(&server));
    for number in 0..RUNS {
        let _ = mosquito.enqueue(Note { word: number.to_string() }).await.unwrap();
        soon("the run is performed", || async {
            let left = mosquito.queue("notes").unwrap().sizes().await.unwrap().total();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
    }
    let (took, sent) = (begin.elapsed(), sent(&server) - before);

    // An enqueue, a claim, a settlement, and a look or two before the next wait; and what all of them send when idle. Were all of them woken, it
    // would be two for each worker and run.
    let idle = 3 * WORKERS * (took.as_secs() as usize + 1);
    assert!(sent <= 8 * RUNS + idle, "{sent} commands for {RUNS} runs in {took:?}, {WORKERS} workers");
    assert!(8 * RUNS + idle < 2 * WORKERS * RUNS, "it took too long to tell: {took:?}");
    let mut performed = 0;
    for worker in all {
        performed += worker.stop().await.performed;
    }
    assert_eq!(performed, RUNS as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_in_many_queues_take_less_than_a_call_each() {
    const QUEUES: usize = 100;
    const EACH: usize = 20;
    let server = RedisServer::start();
    let mosquito = Mosquito::connect(&server.url()).await.unwrap();
    let queues: Vec<_> = (0..QUEUES).map(|number| format!("notes-{number}")).collect();
    for queue in &queues {
        mosquito.enqueue_all(notes(EACH)).queue(queue).await.unwrap();
    }

    let (begin, before) = (Instant::now(), sent(&server));
    let mut working = work(&mosquito, |runner| runner.queues(queues.clone()).executors(50));
    working.finished(QUEUES * EACH).await;
    let (took, sent) = (begin.elapsed(), sent(&server) - before);
    let report = working.stop().await;

    assert_eq!(report.performed, (QUEUES * EACH) as u64);
    // A look at each queue by whoever keeps it in order, included.
    assert!(sent < QUEUES * EACH, "{sent} calls for {} runs, in {took:?}", QUEUES * EACH);
    println!("{sent} calls for {} runs in {QUEUES} queues", QUEUES * EACH);
}

fn notes(count: usize) -> impl ExactSizeIterator<Item = Note> + Send {
    (0..count).map(|number| Note { word: number.to_string() })
}

/// All commands that were performed so far, within scripts too, but for those that ask for this.
fn performed(server: &RedisServer) -> usize {
    count(server, |name| !["info", "hello", "client|setinfo"].contains(&name))
}

/// Those that clients sent to move runs and to wait for them.
fn sent(server: &RedisServer) -> usize {
    count(server, |name| ["evalsha", "blpop"].contains(&name))
}

fn count(server: &RedisServer, counts: impl Fn(&str) -> bool) -> usize {
    let info: String = server.command(&["INFO", "commandstats"]);
    let commands = info.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(":calls="));
    let counted = commands.filter(|(name, _)| counts(name));
    counted.filter_map(|(_, rest)| rest.split(',').next()?.parse::<usize>().ok()).sum()
}
