//! The time that all attempts at a run have together, and what a run remembers of them.

use std::time::Duration;

use mosquito::backend::{List, StoredRun};
use mosquito::{Context, HowEnded, JobError, JobResult, Mosquito, Perform, job};

use crate::working::{Log, memory, work};

/// Ends its attempts as it is told, one after the other.
#[job(
    queue = "hurried",
    state(Log),
    retry(attempts = 20, backoff = fixed("20s"), jitter = 0.0),
    timeout = "30s",
    deadline = "1m"
)]
struct Hurried {
    attempts: Vec<How>,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
enum How {
    Fail,
    Panic,
    Hang,
    Snooze,
    GiveUp,
}

#[derive(Debug)]
struct NotSent(std::num::ParseIntError);

impl std::fmt::Display for NotSent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not sent")
    }
}

impl std::error::Error for NotSent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Perform for Hurried {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        let before: Vec<_> = cx.history().log.iter().map(|attempt| attempt.ended).collect();
        cx.state::<Log>().write(format!("attempt {} after {before:?}", cx.attempt()));
        match self.attempts[cx.attempt() as usize - 1] {
            How::Fail => Err(NotSent("x".parse::<u8>().expect_err("it is none")).into()),
            How::Panic => panic!("on purpose"),
            How::Hang => std::future::pending().await,
            How::Snooze => Err(JobError::snooze(Duration::from_secs(50))),
            How::GiveUp => Err(JobError::dead("no use")),
        }
    }
}

/// The dead run, when it has been performed as told, and the log.
async fn performed(attempts: &[How]) -> (StoredRun, Vec<String>) {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["hurried"]).executors(1));
    let _ = mosquito.enqueue(Hurried { attempts: attempts.into() }).await.unwrap();
    for _ in attempts {
        working
            .within(Duration::from_secs(600), "finished", |event| {
                matches!(event, mosquito::events::Event::Finished { .. }).then_some(())
            })
            .await;
    }
    let log = working.log.clone();
    let _ = working.stop().await;
    (dead(&mosquito).await, log.lines())
}

async fn dead(mosquito: &Mosquito) -> StoredRun {
    let mut dead = mosquito.queue("hurried").unwrap().page(List::Dead, 0, 9).await.unwrap();
    assert_eq!(dead.len(), 1, "it is dead");
    dead.remove(0)
}

fn took(run: &StoredRun) -> i64 {
    let began = run.history.log[0].at;
    (run.at.expect("it died at a time") - began).num_seconds()
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_next_attempt_would_come_after_its_deadline_is_dead_at_once() {
    let (run, lines) = performed(&[How::Fail, How::Fail, How::Fail]).await;

    assert_eq!(lines.len(), 3, "at 0 s, 20 s and 40 s; the next would be at 60 s: {lines:?}");
    assert_eq!((run.history.attempts, took(&run)), (3, 40));
    let error = run.history.error.unwrap();
    assert!(
        error.ends_with("; given up, since its deadline of 60s comes before its next attempt"),
        "{error}"
    );
    assert!(error.starts_with("not sent: invalid digit found in string"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_when_the_deadline_is_over_though_its_timeout_is_not() {
    let (run, _) = performed(&[How::Hang, How::Hang]).await;

    // 30 s of timeout, 20 s of wait, and 10 s that are left.
    assert_eq!((run.history.attempts, took(&run)), (2, 60));
    assert_eq!(run.history.error.as_deref(), Some("its deadline of 60s is over"));
    let errors: Vec<_> = run.history.log.iter().map(|attempt| attempt.causes[0].as_str()).collect();
    assert_eq!(errors, ["timed out after 30s", "its deadline of 60s is over"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_put_off_before_an_attempt_was_used_up_has_all_its_time() {
    let (mosquito, mut attempts) = (memory().await, 0);
    let mut working = work(&mosquito, |runner| runner.queues(["hurried"]).executors(1));
    let _ = mosquito.enqueue(Hurried { attempts: vec![How::Snooze] }).await.unwrap();

    // Each snooze is of 50 s, and no attempt begins the minute.
    while attempts < 5 {
        let finished = |event: &mosquito::events::Event| {
            matches!(event, mosquito::events::Event::Finished { .. }).then_some(())
        };
        working.within(Duration::from_secs(100), "finished", finished).await;
        attempts += 1;
    }

    let _ = working.stop().await;
    assert_eq!(mosquito.queue("hurried").unwrap().sizes().await.unwrap().scheduled, 1);
}

#[tokio::test(start_paused = true)]
async fn what_puts_itself_off_beyond_its_deadline_is_dead() {
    let (run, _) = performed(&[How::Fail, How::Snooze]).await;

    assert_eq!(run.history.attempts, 1, "a snooze uses up none");
    let error = run.history.error.unwrap();
    assert!(error.starts_with("it put itself off; given up, since its deadline of 60s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_remembers_how_its_attempts_ended() {
    let (run, lines) = performed(&[How::Fail, How::Panic, How::GiveUp]).await;

    let log = &run.history.log;
    let ended: Vec<_> = log.iter().map(|attempt| (attempt.number, attempt.ended)).collect();
    assert_eq!(ended, [(1, HowEnded::Failed), (2, HowEnded::Panicked), (3, HowEnded::GivenUp)]);
    assert_eq!(log[0].causes, ["not sent", "invalid digit found in string"], "the error and its source");
    assert_eq!(
        (&*log[1].causes, &*log[2].causes),
        (&["panicked: on purpose".into()][..], &["no use".into()][..])
    );
    assert!(log.iter().all(|attempt| attempt.version == Some(1) && attempt.overseer == log[0].overseer));
    let at: Vec<_> = log.iter().map(|attempt| (attempt.at - log[0].at).num_seconds()).collect();
    assert_eq!(at, [0, 20, 40], "when each began");
    assert_eq!(lines[2], "attempt 3 after [Failed, Panicked]", "and the job sees it");
}
