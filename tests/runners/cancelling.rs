//! Runs that are cancelled while they are performed, and why tokens fire.

use std::time::Duration;

use mosquito::backend::{Cancelled, Fate, Rescue};
use mosquito::events::Event;
use mosquito::{
    Context, JobError, JobResult, Mosquito, Outcome, Perform, PerformBlocking, QueueName, RunId,
    WhyCancelled, job,
};

use crate::working::{Log, Working, memory, work};

/// Is performed until its token fires, writes down why, and answers as it is told.
#[job(queue = "halting", state(Log), retry(attempts = 9, backoff = fixed("1s")))]
struct Halting {
    answers: Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Answer {
    Ok,
    Fails,
    Panics,
    RetriesIn,
    GivesUp,
    Discards,
    Snoozes,
    /// Goes on for three quarters of a minute.
    Lingers,
}

impl Perform for Halting {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        assert_eq!(cx.why_cancelled(), None, "nothing has fired yet");
        cx.token().cancelled().await;
        cx.state::<Log>().write(format!("{:?}", cx.why_cancelled().expect("it has fired")));
        match self.answers {
            Answer::Ok => Ok(()),
            Answer::Fails => Err("told to end".into()),
            Answer::Panics => panic!("on purpose"),
            Answer::RetriesIn => Err(JobError::retry_in(Duration::from_secs(5))),
            Answer::GivesUp => Err(JobError::dead("no use")),
            Answer::Discards => Err(JobError::discard("no need")),
            Answer::Snoozes => Err(JobError::snooze(Duration::from_secs(5))),
            Answer::Lingers => {
                tokio::time::sleep(Duration::from_secs(45)).await;
                Ok(())
            }
        }
    }
}

/// Goes on for so long after its time is up.
#[job(queue = "late", state(Log), blocking, timeout = "20ms", retry(attempts = 1))]
struct Late {
    milliseconds: u64,
}

impl PerformBlocking for Late {
    fn perform(&self, cx: &Context<Self>) -> JobResult {
        while !cx.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        cx.state::<Log>().write(format!("{:?}", cx.why_cancelled().expect("it has fired")));
        std::thread::sleep(Duration::from_millis(self.milliseconds));
        Ok(())
    }
}

/// A runner that performs one such run.
async fn halting(answers: Answer) -> (Mosquito, Working, RunId) {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["halting"]).executors(1));
    let run = mosquito.enqueue(Halting { answers }).await.unwrap();
    working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    (mosquito, working, run.id().clone())
}

async fn cancel(mosquito: &Mosquito, id: &RunId) -> Cancelled {
    mosquito.queue("halting").unwrap().cancel(id).await.unwrap()
}

async fn finished(working: &mut Working) -> (Outcome, Fate) {
    let ended = |event: &Event| match event {
        Event::Finished { outcome, fate, .. } => Some((outcome.clone(), fate.clone())),
        _ => None,
    };
    working.next("finished", ended).await
}

async fn left(mosquito: &Mosquito) -> usize {
    mosquito.queue("halting").unwrap().sizes().await.unwrap().total()
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_while_it_is_performed_sees_its_token_fire_and_is_gone() {
    let (mosquito, mut working, id) = halting(Answer::Fails).await;
    let begin = tokio::time::Instant::now();

    let answer = cancel(&mosquito, &id).await;
    let told = working.next("cancelled", |event| match event {
        Event::Cancelled { id, .. } => Some(id.clone()),
        _ => None,
    });

    assert!(matches!(answer, Cancelled::Running(_)), "{answer:?}");
    assert_eq!(told.await, id);
    assert_eq!(finished(&mut working).await, (Outcome::Cancelled, Fate::Forget));
    assert!(begin.elapsed() <= Duration::from_secs(1), "{:?}", begin.elapsed());
    assert_eq!(working.log.lines(), ["Requested"]);
    let report = working.stop().await;
    assert_eq!((report.cancelled, report.failed, report.performed, report.refused), (1, 0, 0, 0), "{report}");
    assert_eq!(left(&mosquito).await, 0);
}

#[tokio::test(start_paused = true)]
async fn whatever_a_cancelled_run_answers_but_ok_it_is_cancelled() {
    for answers in [Answer::Panics, Answer::RetriesIn, Answer::GivesUp, Answer::Discards, Answer::Snoozes] {
        let (mosquito, mut working, id) = halting(answers).await;

        cancel(&mosquito, &id).await;

        assert_eq!(finished(&mut working).await, (Outcome::Cancelled, Fate::Forget), "{answers:?}");
        assert_eq!(working.stop().await.cancelled, 1);
        assert_eq!(left(&mosquito).await, 0, "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_that_succeeds_all_the_same_counts_as_performed() {
    let (mosquito, mut working, id) = halting(Answer::Ok).await;

    cancel(&mosquito, &id).await;

    assert_eq!(finished(&mut working).await.0, Outcome::Succeeded);
    let report = working.stop().await;
    assert_eq!((report.performed, report.cancelled), (1, 0), "{report}");
    assert_eq!(left(&mosquito).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_it_is_claimed_is_never_begun() {
    let mosquito = memory().await;
    let run = mosquito.enqueue(Halting { answers: Answer::Ok }).await.unwrap();
    assert_eq!(cancel(&mosquito, run.id()).await, Cancelled::Removed);

    let mut working = work(&mosquito, |runner| runner.queues(["halting"]));
    let other = mosquito.enqueue(Halting { answers: Answer::Ok }).await.unwrap();
    let started = working.next("started", |event| match event {
        Event::Started { id, .. } => Some(id.clone()),
        _ => None,
    });

    assert_eq!(started.await, *other.id());
    cancel(&mosquito, other.id()).await;
    let _ = finished(&mut working).await;
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_of_many_runs_is_cancelled_and_the_others_go_on() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["halting"]).executors(3));
    let jobs = (0..3).map(|_| Halting { answers: Answer::Fails });
    let runs = mosquito.enqueue_all(jobs).await.unwrap();
    for _ in 0..3 {
        working.next("started", |event| matches!(event, Event::Started { .. }).then_some(())).await;
    }

    cancel(&mosquito, runs[1].id()).await;
    let _ = finished(&mut working).await;
    // For long enough to hear of the others, were they meant.
    tokio::time::sleep(Duration::from_secs(30)).await;

    assert_eq!(working.log.lines(), ["Requested"]);
    assert_eq!(left(&mosquito).await, 2);
    working.handle.leave();
    assert_eq!(working.end().await.unwrap().handed_back, 2);
}

#[tokio::test(start_paused = true)]
async fn a_mark_is_found_without_a_word_at_the_next_look() {
    let (mosquito, mut working, id) = halting(Answer::Fails).await;
    let begin = tokio::time::Instant::now();

    // The word is heard by somebody else.
    let cancelled = cancel(&mosquito, &id);
    let Cancelled::Running(overseer) = cancelled.await else { panic!("it is being performed") };
    let _heard = mosquito.backend().listen(&overseer, Duration::ZERO).await.unwrap();

    assert_eq!(finished(&mut working).await.0, Outcome::Cancelled);
    assert!(begin.elapsed() <= Duration::from_secs(6), "a heartbeat later: {:?}", begin.elapsed());
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_token_says_why_it_fired() {
    let (_, working, _) = halting(Answer::Fails).await;
    let log = working.log.clone();
    working.handle.stop();
    assert_eq!(working.end().await.unwrap().handed_back, 1);
    assert_eq!(log.lines(), [format!("{:?}", WhyCancelled::Shutdown)]);

    let (mosquito, mut working, _) = halting(Answer::Fails).await;
    let rescue = Rescue { dead_after: Duration::ZERO, max_crashes: 3, at_most: 10, not_after: None };
    let _ = mosquito.backend().rescue(&QueueName::new("halting").unwrap(), &rescue).await.unwrap();
    let refused = |event: &Event| matches!(event, Event::SettlementRefused { .. }).then_some(());
    working.next("settlement refused", refused).await;
    assert_eq!(working.log.lines()[0], format!("{:?}", WhyCancelled::LeaseLost));
    working.handle.leave();
    let _ = working.end().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_goes_on_after_its_token_fired_is_reported_once() {
    let (mosquito, mut working, id) = halting(Answer::Lingers).await;
    cancel(&mosquito, &id).await;

    let stuck = working.within(Duration::from_secs(40), "stuck", |event| match event {
        Event::Stuck { job, id, since, why, .. } => Some((job.to_string(), id.clone(), *since, *why)),
        _ => None,
    });
    let (job, stuck, since, why) = stuck.await;

    assert_eq!((job.as_str(), stuck, why), ("halting", id, WhyCancelled::Requested));
    assert!((30..=31).contains(&since.as_secs()), "{since:?}");
    assert_eq!(finished(&mut working).await.0, Outcome::Succeeded, "in the end it comes to its end");
    let report = working.stop().await;
    assert_eq!((report.stuck, report.performed), (1, 1), "{report}");
}

#[tokio::test]
async fn a_blocking_job_that_goes_on_after_its_timeout_is_reported() {
    let mosquito = memory().await;
    let mut working =
        work(&mosquito, |runner| runner.queues(["late"]).stuck_after(Duration::from_millis(500)));
    let _ = mosquito.enqueue(Late { milliseconds: 0 }).await.unwrap();
    working.finished(1).await;
    let _ = mosquito.enqueue(Late { milliseconds: 3_000 }).await.unwrap();

    let why = working.next("stuck", |event| match event {
        Event::Stuck { why, .. } => Some(*why),
        _ => None,
    });

    assert_eq!(why.await, WhyCancelled::TimeUp);
    working.finished(1).await;
    assert_eq!(working.log.lines(), ["TimeUp", "TimeUp"]);
    assert_eq!(working.stop().await.stuck, 1, "the other one came to its end in time");
}
