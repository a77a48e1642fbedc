//! Claims that take effect, and whose answers never come: the network between a runner and its Redis loses them.

use std::time::{Duration, Instant};

use mosquito::backend::{Cancelled, Fate, List, Ticket};
use mosquito::events::Event;
use mosquito::{Mosquito, OverseerId, QueueName};
use mosquito_tests::{Direction, Lost, Proxy, RedisServer, Script, Traffic, soon};

use crate::jobs::{Long, Note};
use crate::working::work;

/// Longer than any test: no reaper tidies up what an overseer should see to itself.
const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_claim_whose_answer_is_lost_is_asked_for_again_and_its_runs_are_performed() {
    for how in [Lost::Closed, Lost::Cut] {
        let network = Network::new().await;
        network.enqueue_notes(10).await;
        network.proxy.lose(Script::Claim, 1, how);

        let working = work(&network.runner, |runner| runner.queues(["notes"]).executors(5).reap_every(NEVER));
        soon("each is performed", || async {
            let lines = working.log.lines();
            if lines.len() == 10 { Ok(()) } else { Err(lines) }
        })
        .await;

        assert_eq!(network.proxy.lost(), 1, "{how:?}: the first answer");
        let mut lines = working.log.lines();
        lines.sort();
        assert_eq!(lines, (0..10).map(|n| format!("{n} 1 notes")).collect::<Vec<_>>(), "{how:?}");
        assert_eq!(working.stop().await.performed, 10);
    }
}

#[tokio::test]
async fn what_a_claim_took_whose_answer_a_stop_did_not_wait_for_is_handed_back() {
    let network = Network::new().await;
    network.enqueue_notes(5).await;
    network.proxy.traffic(Direction::ToClient, Traffic::Hold);
    let mut working = work(&network.runner, |runner| runner.queues(["notes"]).executors(5).reap_every(NEVER));
    network.all_notes_are_claimed().await;

    working.handle.stop();
    let stopping = |event: &Event| matches!(event, Event::OverseerStopping { .. }).then_some(());
    working.next("stopping", stopping).await;
    network.proxy.heal();
    let log = working.log.clone();
    let report = working.end().await.unwrap();

    assert_eq!(log.lines(), [""; 0], "none is begun any more");
    assert_eq!((report.handed_back, report.unsettled), (5, 0), "{report}");
    let waiting = network.client.queue("notes").unwrap().page(List::Waiting, 0, 9).await.unwrap();
    let attempts: Vec<_> = waiting.iter().map(|run| run.history.attempts).collect();
    assert_eq!(attempts, [0; 5], "they wait as if they had never been claimed");
}

#[tokio::test]
async fn what_a_lost_claim_took_for_executors_that_are_gone_is_handed_back_and_performed() {
    let network = Network::new().await;
    network.enqueue_notes(5).await;
    network.proxy.traffic(Direction::ToClient, Traffic::Hold);
    let mut working = work(&network.runner, |runner| runner.queues(["notes"]).executors(5).reap_every(NEVER));
    network.all_notes_are_claimed().await;

    working.handle.set_executors(2);
    // On a runtime of one thread, those that go are in line for the executors that the claim has set aside.
    tokio::task::yield_now().await;
    network.proxy.lose(Script::Claim, 1, Lost::Closed);
    network.proxy.traffic(Direction::ToClient, Traffic::Pass);

    let mut ended = Vec::new();
    for _ in 0..8 {
        let fate = working.next("finished", |event| match event {
            Event::Finished { fate, attempt, .. } => Some((fate.clone(), *attempt)),
            _ => None,
        });
        ended.push(fate.await);
    }
    let handed_back = ended.iter().filter(|end| **end == (Fate::HandBack, 1)).count();
    let forgotten = ended.iter().filter(|end| **end == (Fate::Forget, 1)).count();
    assert_eq!((handed_back, forgotten), (3, 5), "{ended:?}");
    let mut lines = working.log.lines();
    lines.sort();
    assert_eq!(lines, (0..5).map(|n| format!("{n} 1 notes")).collect::<Vec<_>>());
    let _ = working.stop().await;
}

/// As when a network fails in the moment in which a process starts.
#[tokio::test]
async fn a_runner_whose_first_connections_carry_nothing_soon_hears_what_was_cancelled() {
    let network = Network::new().await;
    let long = network.client.enqueue(Long { heeds_its_token: true }).await.unwrap();
    // For its pulse, and for its waits.
    network.proxy.swallow_next(3);
    let mut working = work(&network.runner, |runner| runner.queues(["long"]));
    soon("it is begun", || async {
        let lines = working.log.lines();
        if lines == ["long 1"] { Ok(()) } else { Err(lines) }
    })
    .await;

    let begin = Instant::now();
    let cancelled = network.client.queue("long").unwrap().cancel(long.id()).await.unwrap();
    working.finished(1).await;

    assert!(matches!(cancelled, Cancelled::Running(_)), "{cancelled:?}");
    // A connection is given up after five seconds.
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    assert_eq!(working.log.lines(), ["long 1", "token fired"]);
    let _ = working.stop().await;
}

/// A Redis that the runner reaches through a proxy, and the test directly.
struct Network {
    client: Mosquito,
    runner: Mosquito,
    proxy: Proxy,
    _server: RedisServer,
}

impl Network {
    async fn new() -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port());
        let client = Mosquito::connect(&server.url()).await.unwrap();
        let runner = Mosquito::connect(&proxy.url()).await.unwrap();
        // The server knows the script from here on: the runner's first claim takes effect.
        let ticket = Ticket { overseer: OverseerId::random(), number: 1 };
        let claimed = client.backend().claim(&QueueName::new("notes").unwrap(), &ticket, 1).await.unwrap();
        assert!(claimed.runs.is_empty());
        Self { client, runner, proxy, _server: server }
    }

    async fn enqueue_notes(&self, count: usize) {
        let _ = self.client.enqueue_all((0..count).map(|n| Note { word: n.to_string() })).await.unwrap();
    }

    async fn all_notes_are_claimed(&self) {
        let queue = self.client.queue("notes").unwrap();
        soon("all are claimed", || async {
            let sizes = queue.sizes().await.unwrap();
            if (sizes.waiting, sizes.pending) == (0, 5) { Ok(()) } else { Err(sizes) }
        })
        .await;
    }
}
