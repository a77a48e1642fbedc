//! Overseers that die, and overseers that are only taken for dead.

use std::time::Duration;

use mosquito::backend::{Fate, List, Rescue, Ticket};
use mosquito::events::Event;
use mosquito::{Mosquito, OverseerId, QueueName, RunnerBuilder};
use mosquito_tests::{RedisServer, soon};

use crate::jobs::{End, How, Long, Note, Rude};
use crate::working::{Log, memory, work};

#[tokio::test(start_paused = true)]
async fn the_runs_of_a_dead_overseer_are_performed_by_another_one() {
    let mosquito = memory().await;
    let queue = QueueName::new("notes").unwrap();
    let _ = mosquito.enqueue_all((0..3).map(|n| Note { word: n.to_string() })).await.unwrap();
    let dead = Ticket { overseer: OverseerId::random(), number: 1 };
    let claimed = mosquito.backend().claim(&queue, &dead, 2).await.unwrap();
    assert_eq!(claimed.runs.len(), 2, "it claims two, and is never heard of again");

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    let begin = tokio::time::Instant::now();
    let rescued = working.within(Duration::from_secs(60), "rescued", |event| match event {
        Event::Rescued { rescued, .. } => Some(rescued.len()),
        _ => None,
    });
    assert_eq!(rescued.await, 2);
    assert!(begin.elapsed() <= Duration::from_secs(30), "{:?}", begin.elapsed());
    working.finished(2).await;

    let mut lines = working.log.lines();
    lines.sort();
    assert_eq!(lines, ["0 2 notes", "1 2 notes", "2 1 notes"], "the attempts of the dead one count");
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_overseer_that_was_taken_for_dead_learns_it_and_its_settlements_are_refused() {
    let mosquito = memory().await;
    let queue = QueueName::new("long").unwrap();
    let mut working = work(&mosquito, |runner| runner.queues(["long"]).executors(1));
    let _ = mosquito.enqueue(Long { heeds_its_token: true }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;

    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    let rescued = mosquito.backend().rescue(&queue, &rescue).await.unwrap();
    assert_eq!(rescued.rescued.len(), 1);
    let refused = |event: &Event| matches!(event, Event::SettlementRefused { .. }).then_some(());
    working.next("settlement refused", refused).await;

    assert_eq!(&working.log.lines()[..2], ["long 1", "token fired"], "its token fired");
    let attempt = working.next("started again", |event| match event {
        Event::Started { attempt, .. } => Some(*attempt),
        _ => None,
    });
    assert_eq!(attempt.await, 2);
    working.handle.leave();
    let report = working.end().await.unwrap();
    assert_eq!((report.refused, report.performed, report.failed), (1, 0, 0));
}

/// Beats so seldom that within a test nothing but the answers to its own calls tells an overseer what it has lost.
fn seldom_beating(runner: RunnerBuilder) -> RunnerBuilder {
    runner.heartbeat(Duration::from_secs(3_600)).dead_after(Duration::from_secs(24 * 3_600))
}

#[tokio::test(start_paused = true)]
async fn a_claim_under_a_new_lease_tells_an_overseer_that_it_lost_what_it_held() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| seldom_beating(runner).queues(["long"]).executors(2));
    let _ = mosquito.enqueue(Long { heeds_its_token: true }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;

    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    let _rescued = mosquito.backend().rescue(&QueueName::new("long").unwrap(), &rescue).await.unwrap();
    let lost = working.next("lease lost", |event| match event {
        Event::LeaseLost { runs, .. } => Some(*runs),
        _ => None,
    });
    assert_eq!(lost.await, 1, "its second executor claimed the run again");
    let refused = |event: &Event| matches!(event, Event::SettlementRefused { .. }).then_some(());
    working.next("settlement refused", refused).await;

    let mut lines = working.log.lines();
    lines.sort();
    assert_eq!(lines, ["long 1", "long 2", "token fired"], "only the first one's token fired");
    working.handle.leave();
    let report = working.end().await.unwrap();
    assert_eq!((report.refused, report.failed, report.handed_back), (1, 0, 1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_settlement_that_the_store_refuses_counts_as_refused_and_as_nothing_else() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| seldom_beating(runner).queues(["ends"]).executors(1));
    let hanging = mosquito.enqueue(End { how: How::Hang }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;

    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    let _rescued = mosquito.backend().rescue(&QueueName::new("ends").unwrap(), &rescue).await.unwrap();
    // It does not know yet, and settles when its time is over.
    let fate = working.next("finished", |event| match event {
        Event::Finished { fate, attempt: 1, .. } => Some(fate.clone()),
        _ => None,
    });
    assert!(matches!(fate.await, Fate::Reschedule { .. }));
    let refused = working.next("settlement refused", |event| match event {
        Event::SettlementRefused { id, .. } => Some(id.clone()),
        _ => None,
    });
    assert_eq!(refused.await, *hanging.id());

    working.next("started again", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    working.handle.leave();
    let report = working.end().await.unwrap();
    assert_eq!((report.refused, report.failed, report.handed_back), (1, 0, 1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_settlement_the_store_has_lost_is_performed_again_though_its_overseer_lives() {
    let mosquito = memory().await;
    let mut events = mosquito.events();
    let runner =
        mosquito.runner().state(Log::default()).queues(["long"]).signals(false).build().expect("it is sound");
    let enqueue = || mosquito.enqueue(Long { heeds_its_token: false });
    let forgotten = enqueue().await.unwrap();
    // As a server has it that lost what happened after the claim.
    let before = Ticket { overseer: runner.overseer().clone(), number: 0 };
    let claimed = mosquito.backend().claim(&QueueName::new("long").unwrap(), &before, 1).await.unwrap();
    assert_eq!(claimed.runs[0].id, *forgotten.id());
    let _ = enqueue().await.unwrap();

    let handle = runner.handle();
    let running = tokio::spawn(runner.run());
    let (mut recalled, mut started) = (Vec::new(), Vec::new());
    let both = async {
        while started.len() < 2 {
            match events.next().await.expect("the client lives") {
                Event::Recalled { runs, .. } => recalled.extend(runs),
                Event::Started { id, attempt, .. } => started.push((id, attempt)),
                _ => (),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(15), both).await.expect("well before any lease runs out");

    assert_eq!(recalled, [forgotten.id().clone()]);
    assert_eq!(started[1], (forgotten.id().clone(), 1), "it costs no attempt");
    handle.leave();
    let report = running.await.unwrap().unwrap();
    assert_eq!(report.handed_back, 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_kills_its_processes_is_poisoned_and_others_are_not() {
    let mosquito = memory().await;
    let queue = QueueName::new("notes").unwrap();
    let poison = mosquito.enqueue(Note { word: "poison".into() }).await.unwrap();
    for number in 1..=3 {
        let dying = Ticket { overseer: OverseerId::random(), number };
        let _claimed = mosquito.backend().claim(&queue, &dying, 1).await.unwrap();
        let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
        let _rescued = mosquito.backend().rescue(&queue, &rescue).await.unwrap();
    }
    let _ = mosquito.enqueue(Note { word: "other".into() }).await.unwrap();

    let mut working = work(&mosquito, |runner| runner.queues(["notes"]));
    working.finished(1).await;
    let lines = working.log.lines();
    let _ = working.stop().await;

    assert_eq!(lines, ["other 1 notes"]);
    let dead = mosquito.queue("notes").unwrap().page(List::Dead, 0, 9).await.unwrap();
    assert_eq!((dead.len(), &dead[0].id), (1, poison.id()));
    assert_eq!(dead[0].history.error.as_deref(), Some("poisoned: 3 processes died while they performed it"));
}

#[tokio::test(start_paused = true)]
async fn runs_at_their_last_chance_are_performed_one_at_a_time() {
    let mosquito = memory().await;
    let queue = QueueName::new("long").unwrap();
    let _ = mosquito.enqueue_all((0..2).map(|_| Long { heeds_its_token: false })).await.unwrap();
    for number in 1..=2 {
        let dying = Ticket { overseer: OverseerId::random(), number };
        let claimed = mosquito.backend().claim(&queue, &dying, 2).await.unwrap();
        assert_eq!(claimed.runs.len(), 2, "a process dies with both");
        let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
        let _rescued = mosquito.backend().rescue(&queue, &rescue).await.unwrap();
    }

    let mut working = work(&mosquito, |runner| runner.queues(["long"]).executors(2));
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    // The other one comes due again and again meanwhile, and there is an executor for it.
    for _ in 0..3 {
        working
            .next("promoted", |event| matches!(event, Event::Promoted { runs: 1, .. }).then_some(()))
            .await;
    }

    assert_eq!(working.log.lines(), ["long 3"]);
    working.handle.leave();
    let report = working.end().await.unwrap();
    assert!(report.put_off >= 3, "{report}");
}

/// Two overseers on one Redis, the first on a runtime of its own, whose only two threads a job holds for
/// several leases.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_holds_every_thread_for_two_leases_is_not_performed_twice() {
    let server = RedisServer::start();
    let url = server.url();
    let quick = |runner: mosquito::RunnerBuilder| {
        runner
            .queues(["rude"])
            .heartbeat(Duration::from_millis(100))
            .dead_after(Duration::from_secs(2))
            .reap_every(Duration::from_millis(100))
            .executors(2)
    };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let first_url = url.clone();
    let first = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mosquito = Mosquito::connect(&first_url).await.unwrap();
            let mut working = work(&mosquito, quick);
            let _ = mosquito.enqueue_all((0..2).map(|_| Rude { milliseconds: 5_000 })).await.unwrap();
            for _ in 0..2 {
                working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
            }
            sender.send(()).unwrap();
            working.finished(2).await;
            let log = working.log.clone();
            (working.stop().await, log.lines())
        })
    });
    receiver.await.unwrap();

    let mosquito = Mosquito::connect(&url).await.unwrap();
    let second = work(&mosquito, quick);
    let (report, lines) = tokio::task::spawn_blocking(|| first.join().unwrap()).await.unwrap();

    assert_eq!(lines, ["rude 1", "rude 1"]);
    assert_eq!((report.performed, report.refused), (2, 0), "its own settlements stand");
    assert!(second.log.lines().is_empty(), "the other overseer got nothing");
    let _ = second.stop().await;
    soon("the queue is empty", || async {
        let sizes = mosquito.queue("rude").unwrap().sizes().await.unwrap();
        if sizes.total() == 0 { Ok(()) } else { Err(sizes) }
    })
    .await;
}
