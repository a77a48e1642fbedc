//! Application code around enqueues and attempts, in a test as elsewhere.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mosquito::middleware::{
    Attempt, BeforeEnqueue, EnqueueMiddleware, Middleware, NewRuns, Next, NextEnqueue, Preempt, TryAgain,
};
use mosquito::testing::{Testing, assert_enqueued, refute_enqueued};
use mosquito::{
    Durability, Enqueued, Error, JobResult, JobRun, Mosquito, QueueName, Result, RunId, When, async_trait,
};
use mosquito_tests::{Lost, Proxy, RedisServer, Script};

use crate::jobs::{Charge, CountDown, End};
use crate::stores::noon;

facts! {
    the_first_enqueue_middleware_is_the_outermost_and_sees_the_answer,
    a_refusal_names_who_refused_and_why_and_enqueues_nothing,
    each_run_of_a_bulk_enqueue_can_be_put_elsewhere,
    a_refused_bulk_enqueue_keeps_what_went_before,
    what_a_job_enqueues_passes_it_and_ticks_do_not,
    an_enqueue_that_is_repeated_from_within_is_one_enqueue,
    an_answer_for_other_runs_than_those_is_an_error,
    a_durable_enqueue_tells_what_was_met,
    attempts_pass_their_middleware,
    a_preempted_run_is_put_off_to_its_time,
}

/// Writes what passes.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<String>>>);

impl Ledger {
    fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Write(&'static str, Ledger);

/// How deep an enqueue is within the middleware.
struct Depth(usize);

#[async_trait]
impl EnqueueMiddleware for Write {
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        let depth = runs.extension::<Depth>().map_or(1, |depth| depth.0 + 1);
        runs.insert(Depth(depth));
        let args: Vec<_> = runs.iter_mut().take(3).map(|run| run.args().to_string()).collect();
        self.1.write(format!("{} {depth}: {} of {} {}", self.0, runs.len(), runs.job(), args.join(" ")));
        let answers = next.enqueue(runs).await?;
        let new = answers.iter().filter(|answer| answer.is_new()).count();
        self.1.write(format!("{} {new} new", self.0));
        Ok(answers)
    }
}

#[async_trait]
impl Middleware for Write {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        self.1.write(format!("{} begins {}", self.0, attempt.run().envelope.job));
        let result = next.perform(attempt).await;
        self.1.write(format!("{} ends", self.0));
        result
    }
}

async fn the_first_enqueue_middleware_is_the_outermost_and_sees_the_answer(url: &str) {
    let ledger = Ledger::default();
    let shared: Arc<dyn EnqueueMiddleware> = Arc::new(Write("inner", ledger.clone()));
    let testing = Testing::record()
        .store(url)
        .at(noon())
        .enqueue_middleware(Write("outer", ledger.clone()))
        .enqueue_middleware(shared)
        .await
        .unwrap();
    let enqueue = || testing.enqueue(Charge { succeeds_at: 7 }).id(RunId::new("once").unwrap());

    assert!(enqueue().await.unwrap().is_new());
    let args = r#"{"succeeds_at":7}"#;
    let inside = [format!("outer 1: 1 of charge {args}"), format!("inner 2: 1 of charge {args}")];
    assert_eq!(ledger.lines(), [&inside[..], &["inner 1 new".into(), "outer 1 new".into()]].concat());
    assert!(!enqueue().await.unwrap().is_new());
    assert_eq!(ledger.lines()[2..], ["inner 0 new", "outer 0 new"]);
}

async fn a_refusal_names_who_refused_and_why_and_enqueues_nothing(url: &str) {
    let refuse = |runs: &mut NewRuns| Err(runs.refused("the budget", "it is used up"));
    let testing = Testing::record()
        .store(url)
        .enqueue_middleware(TryAgain::for_up_to(Duration::from_secs(60)))
        .enqueue_middleware(BeforeEnqueue::new(refuse))
        .await
        .unwrap();

    let error = testing.enqueue(End("well".into())).await.unwrap_err();

    assert!(matches!(&error, Error::EnqueueRefused { job, by, .. } if job == "end" && by == "the budget"));
    assert_eq!(error.to_string(), "enqueueing job `end` was refused by the budget: it is used up");
    assert!(!error.is_transient(), "nobody tries that again");
    refute_enqueued!(testing, End);
}

async fn each_run_of_a_bulk_enqueue_can_be_put_elsewhere(url: &str) {
    let route = BeforeEnqueue::new(|runs: &mut NewRuns| {
        for (n, mut run) in runs.iter_mut().enumerate() {
            match n % 3 {
                0 => run.set_queue(QueueName::new("left")?),
                1 => run.set_queue(QueueName::new("right")?),
                _ => run.set_when(When::After(Duration::from_secs(60))),
            }
        }
        Ok(())
    });
    let testing = Testing::record().store(url).enqueue_middleware(route).await.unwrap();

    let ids = |end: &End| RunId::new(format!("run-{}", end.0)).unwrap();
    let ends = || (0..9).map(|n| End(n.to_string()));
    let answers = testing.enqueue_all(ends()).id_by(ids).await.unwrap();

    let expected: Vec<_> = ends().map(|end| Enqueued::New(ids(&end))).collect();
    assert_eq!(answers, expected, "in the order given, whichever queue they are in");
    for queue in ["left", "right"] {
        assert_eq!(testing.queue(queue).unwrap().sizes().await.unwrap().waiting, 3, "{queue}");
    }
    assert_eq!(testing.queue("default").unwrap().sizes().await.unwrap().scheduled, 3);
    assert_enqueued!(testing, End, queue = "right", count = 3, matching = |end: &End| "147".contains(&end.0));
}

async fn a_refused_bulk_enqueue_keeps_what_went_before(url: &str) {
    let ledger = Ledger::default();
    let calls = ledger.clone();
    let second = BeforeEnqueue::new(move |runs: &mut NewRuns| {
        calls.write(runs.len().to_string());
        if calls.0.lock().unwrap().len() < 2 { Ok(()) } else { Err(runs.refused("the second", "enough")) }
    });
    let testing = Testing::record().store(url).enqueue_middleware(second).await.unwrap();

    let error = testing.enqueue_all((0..2_500).map(|from| CountDown { from })).await.unwrap_err();

    assert!(
        matches!(&error, Error::Incomplete { enqueued: 1_000, source } if matches!(**source, Error::EnqueueRefused { .. }))
    );
    assert_eq!(ledger.lines(), ["1000", "1000"], "once for each call of the store");
    assert_eq!(testing.queue("countdown").unwrap().sizes().await.unwrap().waiting, 1_000);
}

async fn what_a_job_enqueues_passes_it_and_ticks_do_not(url: &str) {
    let ledger = Ledger::default();
    let testing = Testing::record()
        .store(url)
        .at(noon())
        .enqueue_middleware(Write("around", ledger.clone()))
        .await
        .unwrap();

    let _ = testing.enqueue(CountDown { from: 2 }).await.unwrap();
    assert_eq!(testing.drain().await.unwrap().succeeded, 3);
    let enqueued: Vec<_> = ledger.lines().into_iter().filter(|line| line.contains(" of ")).collect();
    let expected = [2, 1, 0].map(|from| format!(r#"around 1: 1 of count_down {{"from":{from}}}"#));
    assert_eq!(enqueued, expected);

    let day = testing.run_for(Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(day.of("daily_report").count(), 1);
    assert!(ledger.lines().is_empty(), "the store enqueues a tick by itself");
}

/// Enqueues everything twice.
struct Twice;

#[async_trait]
impl EnqueueMiddleware for Twice {
    async fn enqueue(&self, runs: &mut NewRuns, next: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        let first = next.enqueue(runs).await?;
        let again = next.enqueue(runs).await?;
        assert!(first.iter().zip(&again).all(|(first, again)| first.id() == again.id() && !again.is_new()));
        Ok(first)
    }
}

async fn an_enqueue_that_is_repeated_from_within_is_one_enqueue(url: &str) {
    let testing = Testing::record().store(url).enqueue_middleware(Twice).await.unwrap();

    assert!(testing.enqueue(End("well".into())).await.unwrap().is_new());

    assert_enqueued!(testing, End, count = 1);
}

/// Answers without an enqueue.
struct Pretend;

#[async_trait]
impl EnqueueMiddleware for Pretend {
    async fn enqueue(&self, _: &mut NewRuns, _: NextEnqueue<'_>) -> Result<Vec<Enqueued>> {
        Ok(Vec::new())
    }
}

async fn an_answer_for_other_runs_than_those_is_an_error(url: &str) {
    let testing = Testing::record().store(url).enqueue_middleware(Pretend).await.unwrap();

    let error = testing.enqueue(End("well".into())).await.unwrap_err();

    assert!(error.to_string().ends_with("it answered for 0 runs, and 1 were to be enqueued"), "{error}");
}

async fn a_durable_enqueue_tells_what_was_met(url: &str) {
    let apart = BeforeEnqueue::new(|runs: &mut NewRuns| {
        runs.iter_mut().step_by(2).for_each(|mut run| run.set_queue("apart".parse().expect("it is a name")));
        Ok(())
    });
    let plain = Testing::record().store(url).await.unwrap();
    let through = Testing::record().store(url).enqueue_middleware(apart).await.unwrap();

    let ends = || (0..4).map(|n| End(n.to_string()));
    let expected = plain.enqueue_all(ends()).durability(Durability::Fsync).await.unwrap();
    let durable = through.enqueue_all(ends()).durability(Durability::Fsync).await.unwrap();

    assert_eq!(durable.met, expected.met);
    assert_eq!(durable.enqueued.len(), 4);
}

async fn attempts_pass_their_middleware(url: &str) {
    let ledger = Ledger::default();
    let testing = Testing::inline()
        .store(url)
        .middleware(Write("outer", ledger.clone()))
        .middleware(Write("inner", ledger.clone()))
        .await
        .unwrap();

    assert!(testing.perform(End("well".into())).await.unwrap().succeeded());
    let once = ["outer begins end", "inner begins end", "inner ends", "outer ends"];
    assert_eq!(ledger.lines(), once);

    let _ = testing.enqueue(End("well".into())).await.unwrap();
    assert_eq!(ledger.lines(), once);
}

async fn a_preempted_run_is_put_off_to_its_time(url: &str) {
    let later = noon() + mosquito::chrono::TimeDelta::hours(3);
    let preempt = Preempt::new("later", move |_: &JobRun| Some(later));
    let testing = Testing::record().store(url).at(noon()).middleware(preempt).await.unwrap();
    let _ = testing.enqueue(End("well".into())).await.unwrap();

    let drained = testing.drain().await.unwrap();
    assert_eq!(drained.runs[0].again_in(), Some(Duration::from_secs(3 * 3_600)));
    assert_enqueued!(testing, End, delay = "3h");

    let day = testing.run_for(Duration::from_secs(5 * 3_600)).queue("default").await.unwrap();
    assert_eq!(day.to_string(), "succeeded 1");
    assert_eq!((day.runs[0].attempt, day.runs[0].at), (1, later));
}

#[tokio::test]
async fn an_enqueue_whose_answer_is_lost_is_tried_again_and_enqueued_once() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    let patient = TryAgain::for_up_to(Duration::from_secs(60));
    let mosquito = Mosquito::builder().enqueue_middleware(patient).connect(&proxy.url()).await.unwrap();
    proxy.lose(Script::Enqueue, 1, Lost::Closed);

    let enqueued = mosquito.enqueue(End("well".into())).await.unwrap();

    assert_eq!(proxy.lost(), 1);
    assert!(!enqueued.is_new(), "the first try had put it there");
    assert_eq!(mosquito.queue("default").unwrap().sizes().await.unwrap().total(), 1);
}

#[tokio::test]
async fn an_enqueue_is_tried_again_only_for_so_long() {
    let mut server = RedisServer::start();
    let patient = TryAgain::for_up_to(Duration::from_millis(300));
    let mosquito = Mosquito::builder().enqueue_middleware(patient).connect(&server.url()).await.unwrap();
    server.kill();

    let begin = std::time::Instant::now();
    let error = mosquito.enqueue(End("well".into())).await.unwrap_err();

    assert!(error.is_transient(), "{error:?}");
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}
