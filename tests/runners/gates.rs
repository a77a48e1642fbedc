//! Queues behind gates: skipped while one is closed, worked on again when it opens, whatever a gate does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mosquito::dequeue::{Gate, Threshold};
use mosquito::events::Event;
use mosquito::{Error, Mosquito, async_trait};
use mosquito_tests::{Proxy, RedisServer, Script, soon};

use crate::jobs::Note;
use crate::working::{Working, memory, work};

/// A gate that a test opens and closes.
#[derive(Clone, Default)]
struct ByHand(Arc<AtomicBool>);

impl ByHand {
    fn set(&self, open: bool) {
        self.0.store(open, Ordering::SeqCst);
    }
}

#[async_trait]
impl Gate for ByHand {
    fn name(&self) -> &str {
        "by hand"
    }

    async fn is_open(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

async fn put(mosquito: &Mosquito, queue: &str, count: usize) {
    let notes = (0..count).map(|n| Note { word: n.to_string() });
    let _ = mosquito.enqueue_all(notes).queue(queue).await.unwrap();
}

async fn closed(working: &mut Working) -> (String, String) {
    let limit = Duration::from_secs(60);
    let told = working.within(limit, "gate closed", |event| match event {
        Event::GateClosed { gate, reason, .. } => Some((gate.clone(), reason.clone())),
        _ => None,
    });
    told.await
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_skipped_while_its_gate_is_closed_and_goes_on_without_an_enqueue() {
    let (mosquito, gate) = (memory().await, ByHand::default());
    put(&mosquito, "held", 3).await;
    let mut working = work(&mosquito, |runner| runner.queues(["held", "free"]).gate(["held"], gate.clone()));
    put(&mosquito, "free", 2).await;
    working.finished(2).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(working.log.lines().len(), 2, "only the free ones: {:?}", working.log.lines());

    gate.set(true);
    let begin = tokio::time::Instant::now();
    working.finished(3).await;
    let took = begin.elapsed();
    assert!(took <= Duration::from_millis(1_100), "asked once a second, and it took {took:?}");

    gate.set(false);
    assert_eq!(closed(&mut working).await, ("by hand".into(), "it says so".into()));
    put(&mosquito, "held", 1).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(working.stop().await.performed, 5);
    assert_eq!(mosquito.queue("held").unwrap().sizes().await.unwrap().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_behind_several_gates_is_worked_on_while_all_are_open() {
    let (mosquito, gates) = (memory().await, [ByHand::default(), ByHand::default()]);
    put(&mosquito, "held", 1).await;
    let mut working = work(&mosquito, |runner| {
        let runner = runner.queues(["held", "other"]).gate(["held", "other"], gates[0].clone());
        runner.gate(["held"], gates[1].clone())
    });

    gates[1].set(true);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(working.log.lines().is_empty());
    gates[0].set(true);
    working.finished(1).await;
    gates[1].set(false);
    put(&mosquito, "other", 1).await;
    working.finished(1).await;

    assert_eq!(working.stop().await.performed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_closed_gate_leaves_the_signals_of_its_queue_to_others() {
    let (mosquito, gate) = (memory().await, ByHand::default());
    gate.set(true);
    let held: Vec<_> = (0..8)
        .map(|_| work(&mosquito, |runner| runner.queues(["notes"]).gate(["notes"], gate.clone())))
        .collect();
    let mut free = work(&mosquito, |runner| runner.queues(["notes"]));
    put(&mosquito, "notes", 1).await;
    free.finished(1).await;
    tokio::time::sleep(Duration::from_secs(20)).await;

    gate.set(false);
    // From this moment on, though they are waiting for a signal of that queue.
    for _ in &held {
        closed(&mut free).await;
    }
    let before: Vec<_> = held.iter().map(|held| held.log.lines()).collect();
    for n in 0..20 {
        let begin = tokio::time::Instant::now();
        put(&mosquito, "notes", 1).await;
        free.finished(1).await;
        let took = begin.elapsed();
        assert!(
            took < Duration::from_secs(1),
            "number {n} was found by looking, not by its signal: {took:?}"
        );
        tokio::time::sleep(Duration::from_secs(n % 7)).await;
    }

    assert_eq!(held.iter().map(|held| held.log.lines()).collect::<Vec<_>>(), before);
    for working in held.into_iter().chain([free]) {
        let _ = working.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_asked_of_the_store_for_a_queue_behind_a_closed_gate() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let client = Mosquito::connect(&server.url()).await.unwrap();
    let (mosquito, gate) = (Mosquito::connect(&proxy.url()).await.unwrap(), ByHand::default());
    put(&client, "held", 5).await;

    let mut working = work(&mosquito, |runner| runner.queues(["held"]).gate(["held"], gate.clone()));
    assert_eq!(closed(&mut working).await.0, "by hand");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(proxy.calls(Script::Claim), 0);
    let wake: i64 = server.command(&["LLEN", "mosquito:{held}:wake"]);
    assert_eq!(wake, 1, "its signal was not taken");

    gate.set(true);
    working.finished(5).await;
    assert!(proxy.calls(Script::Claim) > 0);
    assert_eq!(working.stop().await.performed, 5);
}

/// Panics, hangs, or is open, as it is told.
struct Moody(Arc<std::sync::Mutex<&'static str>>);

#[async_trait]
impl Gate for Moody {
    fn name(&self) -> &str {
        "moody"
    }

    async fn is_open(&self) -> bool {
        let mood = *self.0.lock().unwrap();
        match mood {
            "panics" => panic!("on purpose"),
            "hangs" => std::future::pending().await,
            mood => mood == "open",
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_panics_or_hangs_is_closed_and_stops_nothing_else() {
    let (mosquito, mood) = (memory().await, Arc::new(std::sync::Mutex::new("panics")));
    let mut working =
        work(&mosquito, |runner| runner.queues(["held", "free"]).gate(["held"], Moody(mood.clone())));
    put(&mosquito, "held", 1).await;
    for (bad, reason) in [("panics", "it panicked: on purpose"), ("hangs", "it gave no answer within 5s")] {
        *mood.lock().unwrap() = bad;
        assert_eq!(closed(&mut working).await, ("moody".into(), reason.into()));
        put(&mosquito, "free", 1).await;
        working.finished(1).await;
        tokio::time::sleep(Duration::from_secs(100)).await;

        *mood.lock().unwrap() = "open";
        working.finished(1).await;
        put(&mosquito, "held", 1).await;
        working.finished(1).await;
        *mood.lock().unwrap() = "closed";
        assert_eq!(closed(&mut working).await.1, "it says so");
        put(&mosquito, "held", 1).await;
    }

    *mood.lock().unwrap() = "hangs";
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begin = tokio::time::Instant::now();
    assert_eq!(working.stop().await.performed, 6);
    assert!(begin.elapsed() < Duration::from_secs(10), "the stop took {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sampled_number_opens_and_closes_a_queue_and_a_sample_that_hangs_stops_nothing() {
    let (mosquito, busy) = (memory().await, Arc::new(AtomicBool::new(true)));
    let (sampled, (_kept, never)) = (busy.clone(), std::sync::mpsc::channel::<()>());
    let never = std::sync::Mutex::new(never);
    let load = Threshold::below("load", 0.5, move || if sampled.load(Ordering::SeqCst) { 1.0 } else { 0.0 });
    let stuck = Threshold::above("stuck", 0.5, move || {
        let _ = never.lock().unwrap().recv();
        1.0
    });
    let mut working = work(&mosquito, |runner| {
        let load = load.cached_for(Duration::from_millis(10));
        runner.queues(["held", "stuck", "free"]).gate(["held"], load).gate(["stuck"], stuck)
    });
    for queue in ["held", "stuck", "free"] {
        put(&mosquito, queue, 1).await;
    }
    working.finished(1).await;
    assert_eq!(working.log.lines(), ["0 1 free"]);

    busy.store(false, Ordering::SeqCst);
    working.finished(1).await;

    assert_eq!(working.log.lines(), ["0 1 free", "0 1 held"]);
    let log = working.log.clone();
    assert_eq!(working.stop().await.performed, 2);
    soon("the stuck one waits", || async {
        let sizes = mosquito.queue("stuck").unwrap().sizes().await.unwrap();
        if sizes.waiting == 1 { Ok(()) } else { Err((sizes, log.lines())) }
    })
    .await;
}

#[tokio::test]
async fn a_gate_before_a_queue_that_is_not_worked_on_is_refused() {
    let (mosquito, gate) = (memory().await, ByHand::default());
    let runner = mosquito.runner().state(crate::working::Log::default()).queues(["notes"]);
    let runner = runner.gate(["nuts", "no such queue"], gate.clone()).gate(Vec::<String>::new(), gate);

    let Err(Error::Build(error)) = runner.build() else { panic!("it should have been refused") };

    assert_eq!(error.problems().len(), 3, "{error}");
    assert!(error.problems()[0].contains("before the queue `nuts`, which this runner does not work on"));
    assert!(error.problems()[1].contains("`no such queue` cannot be a queue name"));
    assert!(error.problems()[2].contains("the gate `by hand` is before no queue"));
}
