//! Flows under a runner.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::backend::Used;
use mosquito::events::Event;
use mosquito::middleware::{Attempt, Middleware, Next};
use mosquito::{Clock, FlowKey, JobResult, Mosquito, Report, Timestamp, async_trait};

use crate::jobs::{Alert, Gauge, Notice, Upload, Work};

/// Longer than anything takes on a machine with much else to do.
const SOON: Duration = Duration::from_secs(60);

/// Writes down which run was claimed when.
#[derive(Clone, Default)]
struct Claims(Arc<Mutex<Vec<(String, Timestamp)>>>);

#[async_trait]
impl Middleware for Claims {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let run = attempt.run();
        self.0.lock().unwrap().push((run.id.to_string(), run.claimed_at));
        next.perform(attempt).await
    }
}

/// Works until so many attempts have ended and so many runs have expired.
async fn work(
    mosquito: &Mosquito,
    queue: &str,
    executors: usize,
    gauge: &Arc<Gauge>,
    runs: usize,
) -> (Report, Vec<(String, Timestamp)>) {
    let (claims, mut events) = (Claims::default(), mosquito.events());
    let runner = mosquito.runner().state(gauge.clone()).executors(executors).queues([queue]);
    let runner = runner.middleware(claims.clone()).signals(false).build().unwrap();
    let (handle, mut left) = (runner.handle(), runs);
    let running = tokio::spawn(runner.run());
    let all = async {
        while left > 0 {
            match events.next().await.unwrap() {
                Event::Finished { .. } => left -= 1,
                Event::Expired { runs, .. } => left -= runs.len(),
                _ => (),
            }
        }
    };
    tokio::time::timeout(SOON, all).await.unwrap();
    handle.stop();
    let report = running.await.unwrap().unwrap();
    let claims = claims.0.lock().unwrap().clone();
    (report, claims)
}

#[tokio::test]
async fn no_more_than_the_limit_are_performed_at_once_and_each_slot_comes_back() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let acme = || Work { tenant: "acme".into() };
    mosquito.enqueue_all((0..20).map(move |_| acme())).await.unwrap();
    let gauge = Arc::new(Gauge::default());

    let (report, _) = work(&mosquito, "work", 20, &gauge, 20).await;

    assert_eq!((report.performed, gauge.most()), (20, 2));
    let key = FlowKey::readable(&("acme",)).unwrap();
    let limit = mosquito.queue("work").unwrap().limit("work", &key).await.unwrap();
    assert_eq!(limit.concurrency, Some(Used { used: 0, limit: 2 }));
}

#[tokio::test]
async fn each_key_has_its_own_limit() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let all = (0..24).map(|n| Work { tenant: format!("tenant {}", n % 4) });
    mosquito.enqueue_all(all).await.unwrap();
    let gauge = Arc::new(Gauge::default());

    let (report, _) = work(&mosquito, "work", 24, &gauge, 24).await;

    assert_eq!(report.performed, 24);
    assert!((3..=8).contains(&gauge.most()), "two of each of four: {}", gauge.most());
}

#[tokio::test]
async fn what_expired_is_told_and_counted() {
    let clock = Clock::manual();
    let mosquito = Mosquito::builder().clock(clock.clone()).connect("memory://").await.unwrap();
    let late = mosquito.enqueue(Alert { number: 1 }).expires_in(Duration::from_millis(1)).await.unwrap();
    mosquito.enqueue(Alert { number: 2 }).await.unwrap();
    clock.step(5);
    let mut events = mosquito.events();

    let (report, claims) = work(&mosquito, "alerts", 2, &Arc::default(), 2).await;

    assert_eq!((report.performed, report.expired, claims.len()), (1, 1, 1));
    assert_eq!(report.to_string(), "performed 1, failed 0, handed back 0, expired 1");
    let told = loop {
        if let Event::Expired { queue, runs } = events.next().await.unwrap() {
            break (queue.to_string(), runs);
        }
    };
    assert_eq!(told, ("alerts".to_owned(), vec![late.id().clone()]));
}

#[tokio::test]
async fn one_executor_performs_in_the_order_of_urgency() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    for (number, level) in [(1, 9), (2, 0), (3, 5), (4, 0)] {
        let id = format!("n{number}").parse().unwrap();
        mosquito.enqueue(Notice { number }).id(id).priority(mosquito::Priority::at(level)).await.unwrap();
    }

    let (_, claims) = work(&mosquito, "notices", 1, &Arc::default(), 4).await;

    let order: Vec<_> = claims.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(order, ["n2", "n4", "n3", "n1"]);
}

#[tokio::test]
async fn a_run_that_is_held_up_wakes_by_itself_when_there_is_room() {
    let mosquito = Mosquito::connect("memory://").await.unwrap();
    let per = Duration::from_millis(400);
    let uploads = (0..6).map(|file| Upload { file });
    mosquito
        .enqueue_all(uploads)
        .flow(move |_, flow| {
            if let Some(rate) = &mut flow.rate {
                (rate.rule.per, rate.rule.kind) = (per, mosquito::RateKind::Sliding);
            }
            Ok(())
        })
        .await
        .unwrap();

    let (report, claims) = work(&mosquito, "transfers", 4, &Arc::default(), 6).await;

    assert_eq!((report.performed, report.failed, report.put_off), (6, 0, 0));
    let starts: Vec<_> = claims.iter().map(|(_, at)| *at).collect();
    for three in starts.windows(3) {
        assert!((three[2] - three[0]).to_std().unwrap() >= per, "{starts:?}");
    }
}
