//! Application code around attempts: its order, what it may do, and what it cannot break.

use std::sync::Arc;
use std::time::Duration;

use mosquito::backend::List;
use mosquito::events::Event;
use mosquito::middleware::{Attempt, Middleware, Next, Preempt, Timed};
use mosquito::{
    Context, JobError, JobResult, JobRun, Mosquito, Outcome, Perform, PerformBlocking, RunnerBuilder,
    async_trait, job,
};

use crate::working::{Log, Working, memory, work};

const QUEUE: &str = "wrapped";

/// Does as it is told, with hooks that write.
#[job(queue = "wrapped", state(Log), retry(attempts = 3, backoff = fixed("10s"), jitter = 0.0), timeout = "60s")]
struct Do(Deed);

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
enum Deed {
    Nothing,
    Fail,
    Panic,
    Wait(u64),
    WaitForToken,
    TellSecret,
    SnoozeBefore,
}

/// What middleware gives to a job.
struct Secret(u32);

impl Perform for Do {
    async fn before(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("before");
        if self.0 == Deed::SnoozeBefore {
            return Err(JobError::snooze(Duration::from_secs(55)));
        }
        Ok(())
    }

    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("perform");
        match self.0 {
            Deed::Fail => return Err("it failed".into()),
            Deed::Panic => panic!("on purpose"),
            Deed::Wait(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Deed::WaitForToken => {
                let (log, token) = (cx.state::<Log>().clone(), cx.token().clone());
                tokio::spawn(async move {
                    token.cancelled().await;
                    log.write("token fired");
                });
                std::future::pending().await
            }
            Deed::TellSecret => {
                let secret = cx.extension::<Secret>().map(|secret| secret.0);
                cx.state::<Log>().write(format!("secret {secret:?}, number {:?}", cx.extension::<u64>()));
            }
            Deed::Nothing | Deed::SnoozeBefore => (),
        }
        Ok(())
    }

    async fn after(&self, cx: &Context<Self>, _: &JobResult) {
        cx.state::<Log>().write("after");
    }
}

/// Writes its name when it begins and what came back when it ends.
struct Write(&'static str, Log);

#[async_trait]
impl Middleware for Write {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let Self(name, log) = self;
        log.write(format!("{name} {} {}", attempt.job().name, attempt.run().attempt));
        let result = next.perform(attempt).await;
        log.write(format!("{name}: {}", told(&result)));
        result
    }
}

fn told(result: &JobResult) -> String {
    result.as_ref().map_or_else(|error| error.to_string(), |()| "ok".into())
}

/// Any function as middleware that never goes on.
struct Instead<F>(F);

#[async_trait]
impl<F: Fn(u32) -> JobResult + Send + Sync + 'static> Middleware for Instead<F> {
    async fn perform(&self, attempt: &mut Attempt<'_>, _: Next<'_>) -> JobResult {
        (self.0)(attempt.run().attempt)
    }
}

/// Goes on, and answers what a function makes of the result.
struct Change<F>(F);

#[async_trait]
impl<F: Fn(JobResult) -> JobResult + Send + Sync + 'static> Middleware for Change<F> {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        (self.0)(next.perform(attempt).await)
    }
}

fn wrapped(mosquito: &Mosquito, set: impl FnOnce(RunnerBuilder) -> RunnerBuilder) -> Working {
    work(mosquito, |runner| set(runner.queues([QUEUE])))
}

/// How the next attempt ends.
async fn outcome(working: &mut Working) -> Outcome {
    let limit = Duration::from_secs(3_600);
    let ended = working.within(limit, "finished", |event| match event {
        Event::Finished { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    ended.await
}

fn failed(error: &str) -> Outcome {
    Outcome::Failed { error: error.into(), retry_after: None }
}

#[tokio::test(start_paused = true)]
async fn the_first_middleware_that_was_added_is_the_outermost() {
    let (mosquito, log) = (memory().await, Log::default());
    let mut working = wrapped(&mosquito, |runner| {
        let inner: Arc<dyn Middleware> = Arc::new(Write("inner", log.clone()));
        runner.state(log.clone()).middleware(Write("outer", log.clone())).middleware(inner)
    });

    let _ = mosquito.enqueue(Do(Deed::Fail)).await.unwrap();

    assert_eq!(outcome(&mut working).await, failed("it failed"));
    assert_eq!(
        log.lines(),
        ["outer do 1", "inner do 1", "before", "perform", "after", "inner: it failed", "outer: it failed",]
    );
    let _ = working.stop().await;
}

/// Gives what it is told to, on the way in; on the way back says what it finds.
struct Give(u32, Log);

#[async_trait]
impl Middleware for Give {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        let before = attempt.extension::<Secret>().map(|secret| secret.0);
        attempt.insert(Secret(before.unwrap_or_default() + self.0));
        let result = next.perform(attempt).await;
        let after = attempt.extension::<Secret>().map(|secret| secret.0);
        self.1.write(format!("given {before:?}, then {after:?}, number {:?}", attempt.extension::<u64>()));
        attempt.insert(u64::from(self.0));
        result
    }
}

#[tokio::test(start_paused = true)]
async fn what_middleware_gives_is_the_attempts_own() {
    let (mosquito, log) = (memory().await, Log::default());
    let mut working = wrapped(&mosquito, |runner| {
        runner.state(log.clone()).middleware(Give(1, log.clone())).middleware(Give(2, log.clone()))
    });

    for _ in 0..2 {
        log.write("next");
        let _ = mosquito.enqueue(Do(Deed::TellSecret)).await.unwrap();
        assert_eq!(outcome(&mut working).await, Outcome::Succeeded);
    }

    let lines = log.lines();
    let attempts: Vec<_> = lines.split(|line| line == "next").skip(1).collect();
    let expected = [
        "before",
        "perform",
        "secret Some(3), number None",
        "after",
        "given Some(1), then Some(3), number None",
        "given None, then Some(3), number Some(2)",
    ];
    assert_eq!(attempts, [expected, expected], "nothing of the first attempt is seen by the second");
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_without_middleware_is_given_nothing() {
    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| runner);

    let _ = mosquito.enqueue(Do(Deed::TellSecret)).await.unwrap();

    assert_eq!(outcome(&mut working).await, Outcome::Succeeded);
    assert!(working.log.lines().contains(&"secret None, number None".into()));
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn middleware_sees_each_way_to_end_and_its_answer_decides() {
    let (mosquito, log) = (memory().await, Log::default());
    let writes = log.clone();
    let mut working = wrapped(&mosquito, |runner| {
        runner.middleware(Change(move |result: JobResult| {
            let flags = result.as_ref().err().map(|error| (error.is_panic(), error.is_timeout()));
            writes.write(format!("{}, {flags:?}", told(&result)));
            match result {
                Ok(()) => Err(JobError::discard("nobody wanted it")),
                Err(_) => Ok(()),
            }
        }))
    });

    for deed in [Deed::Nothing, Deed::Fail, Deed::Panic, Deed::Wait(3_600)] {
        let _ = mosquito.enqueue(Do(deed)).await.unwrap();
        let expected = match deed {
            Deed::Nothing => Outcome::Discarded("nobody wanted it".into()),
            _ => Outcome::Succeeded,
        };
        assert_eq!(outcome(&mut working).await, expected, "{deed:?}");
    }

    assert_eq!(
        log.lines(),
        [
            "ok, None",
            "it failed, Some((false, false))",
            "panicked: on purpose, Some((true, false))",
            "timed out after 60s, Some((false, true))",
        ]
    );
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_instead_of_the_job_is_that_of_the_attempt() {
    let mosquito = memory().await;
    let answer = |attempt| match attempt {
        1 => Err("not yet".into()),
        2 => Err(JobError::retry_in(Duration::from_secs(7))),
        _ => Err(JobError::dead("never")),
    };
    let mut working = wrapped(&mosquito, |runner| runner.middleware(Instead(answer)));

    let _ = mosquito.enqueue(Do(Deed::Nothing)).await.unwrap();

    assert_eq!(outcome(&mut working).await, failed("not yet"));
    assert!(matches!(
        outcome(&mut working).await,
        Outcome::Failed { retry_after: Some(wait), .. } if wait == Duration::from_secs(7)
    ));
    assert_eq!(outcome(&mut working).await, Outcome::GivenUp("never".into()));
    assert!(working.log.lines().is_empty(), "nothing of the job was performed: {:?}", working.log.lines());
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_middleware_is_a_failure_of_the_attempt() {
    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| {
        let afterwards =
            Change(|result: JobResult| if result.is_ok() { panic!("afterwards") } else { result });
        runner.executors(1).middleware(afterwards)
    });
    let _ = mosquito.enqueue(Do(Deed::Nothing)).await.unwrap();
    assert_eq!(outcome(&mut working).await, failed("panicked: afterwards"));
    let _ = mosquito.enqueue(Do(Deed::Fail)).await.unwrap();
    assert_eq!(outcome(&mut working).await, failed("it failed"), "the executor is alive");
    let _ = working.stop().await;

    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| runner.middleware(Instead(|_| panic!("at once"))));
    let _ = mosquito.enqueue(Do(Deed::Nothing)).await.unwrap();
    assert_eq!(outcome(&mut working).await, failed("panicked: at once"));
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_preempted_run_waits_for_its_time_and_costs_no_attempt() {
    let (mosquito, log) = (memory().await, Log::default());
    let told = log.clone();
    let until = move |run: &JobRun| {
        told.write(format!("asked, attempt {}", run.attempt));
        Some(run.envelope.enqueued_at + mosquito::chrono::TimeDelta::seconds(90))
    };
    let mut working = wrapped(&mosquito, |runner| runner.middleware(Preempt::new("not yet", until)));
    let begin = tokio::time::Instant::now();

    let _ = mosquito.enqueue(Do(Deed::Nothing)).await.unwrap();

    assert_eq!(outcome(&mut working).await, Outcome::Snoozed(Duration::from_secs(90)));
    assert_eq!(outcome(&mut working).await, Outcome::Succeeded);
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_secs(90) && waited < Duration::from_secs(92), "{waited:?}");
    assert_eq!(log.lines(), ["asked, attempt 1", "asked, attempt 1"]);
    assert_eq!(working.log.lines(), ["before", "perform", "after"], "once, and at its time");
    let report = working.stop().await;
    assert_eq!((report.performed, report.put_off), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_snooze_from_a_before_hook_is_honoured_and_costs_no_attempt() {
    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| runner);
    let begin = tokio::time::Instant::now();

    let _ = mosquito.enqueue(Do(Deed::SnoozeBefore)).await.unwrap();
    for _ in 0..4 {
        assert_eq!(outcome(&mut working).await, Outcome::Snoozed(Duration::from_secs(55)));
    }

    let waited = begin.elapsed();
    assert!(waited >= Duration::from_secs(3 * 55) && waited < Duration::from_secs(4 * 55), "{waited:?}");
    assert_eq!(working.log.lines(), ["before"; 4], "it was performed at none of them");
    assert_eq!(working.stop().await.put_off, 4);
    let run = mosquito.queue(QUEUE).unwrap().page(List::Scheduled, 0, 1).await.unwrap().pop().unwrap();
    assert_eq!((run.history.attempts, run.history.error), (0, None));
}

#[tokio::test(start_paused = true)]
async fn what_is_timed_is_what_stands_within() {
    let (mosquito, log) = (memory().await, Log::default());
    let told = log.clone();
    let timed = Timed::new(move |run: &JobRun, took: Duration, result: &JobResult| {
        told.write(format!("{} {} {}", run.envelope.job, took < Duration::from_secs(3_600), result.is_ok()));
    });
    let mut working = wrapped(&mosquito, |runner| runner.middleware(timed));

    for deed in [Deed::Nothing, Deed::Fail] {
        let _ = mosquito.enqueue(Do(deed)).await.unwrap();
        let _ = outcome(&mut working).await;
    }

    assert_eq!(log.lines(), ["do true true", "do true false"]);
    let _ = working.stop().await;
}

/// Takes its time before and after the job.
struct Dawdle {
    before: u64,
    after: u64,
}

#[async_trait]
impl Middleware for Dawdle {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        tokio::time::sleep(Duration::from_secs(self.before)).await;
        let result = next.perform(attempt).await;
        tokio::time::sleep(Duration::from_secs(self.after)).await;
        result
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_that_hangs_fails_the_attempt_and_a_job_may_take_longer() {
    let too_long = || failed("its middleware took longer than 30s");
    for (before, after, deed, expected) in [
        (31, 0, Deed::Nothing, too_long()),
        (0, 31, Deed::Nothing, too_long()),
        (29, 29, Deed::Wait(59), Outcome::Succeeded),
        (29, 29, Deed::Wait(61), failed("timed out after 60s")),
    ] {
        let mosquito = memory().await;
        let mut working = wrapped(&mosquito, |runner| runner.middleware(Dawdle { before, after }));
        let _ = mosquito.enqueue(Do(deed)).await.unwrap();

        assert_eq!(outcome(&mut working).await, expected, "{before} {after} {deed:?}");

        let _ = working.stop().await;
    }
}

/// Gives the job some time, and cuts it off then.
struct CutOff(Duration);

#[async_trait]
impl Middleware for CutOff {
    async fn perform(&self, attempt: &mut Attempt<'_>, next: Next<'_>) -> JobResult {
        tokio::time::timeout(self.0, next.perform(attempt))
            .await
            .unwrap_or_else(|_| Err("it took too long for us".into()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_middleware_cuts_off_is_told_to_end() {
    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| runner.middleware(CutOff(Duration::from_secs(5))));

    let _ = mosquito.enqueue(Do(Deed::WaitForToken)).await.unwrap();

    assert_eq!(outcome(&mut working).await, failed("it took too long for us"));
    let log = working.log.clone();
    mosquito_tests::soon("the token fired", || async {
        if log.lines().contains(&"token fired".into()) { Ok(()) } else { Err(log.lines()) }
    })
    .await;
    let _ = working.stop().await;
}

/// Holds its thread until its token fires, and a little longer.
#[job(queue = "wrapped", state(Log), blocking, retry(attempts = 1))]
struct HoldOn;

impl PerformBlocking for HoldOn {
    fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Log>().write("begin");
        while !cx.is_cancelled() {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(300));
        cx.state::<Log>().write("end");
        Ok(())
    }
}

#[tokio::test]
async fn a_blocking_job_that_middleware_cuts_off_is_waited_for() {
    let mosquito = memory().await;
    let mut working = wrapped(&mosquito, |runner| runner.middleware(CutOff(Duration::from_millis(50))));

    let _ = mosquito.enqueue(HoldOn).await.unwrap();

    assert_eq!(outcome(&mut working).await, failed("it took too long for us"));
    assert_eq!(working.log.lines(), ["begin", "end"], "nothing was decided while its thread was held");
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn middleware_is_not_called_for_what_cannot_be_performed() {
    let (mosquito, log) = (memory().await, Log::default());
    let mut working = wrapped(&mosquito, |runner| runner.middleware(Write("around", log.clone())));
    let args = serde_json::value::to_raw_value("no deed").unwrap();
    let enqueue = async |job: &str| {
        let job = job.parse().unwrap();
        let body = mosquito::Body::new(&job, &args);
        let run = mosquito::NewRun::new(mosquito::RunId::random(), mosquito::When::Now, &body);
        mosquito.backend().enqueue(&QUEUE.parse().unwrap(), &[run]).await.unwrap();
    };

    enqueue("do").await;
    assert!(matches!(outcome(&mut working).await, Outcome::Undecodable(_)));
    enqueue("nobody_knows").await;
    assert_eq!(outcome(&mut working).await, Outcome::UnknownJob);

    assert!(log.lines().is_empty(), "{:?}", log.lines());
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_the_stop_interrupts_is_handed_back_through_middleware() {
    let (mosquito, log) = (memory().await, Log::default());
    let mut working = wrapped(&mosquito, |runner| {
        runner.shutdown_grace(Duration::from_secs(3)).middleware(Write("around", log.clone()))
    });
    let _ = mosquito.enqueue(Do(Deed::WaitForToken)).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;

    let report = working.stop().await;

    assert_eq!((report.handed_back, report.failed), (1, 0), "{report}");
    let enqueued = mosquito.queue(QUEUE).unwrap().page(List::Waiting, 0, 1).await.unwrap();
    assert_eq!(enqueued[0].history.attempts, 0);
}
