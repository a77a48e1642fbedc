//! What becomes of runs: each outcome, from the attribute through the runner to the list.

use std::time::Duration;

use mosquito::backend::List;
use mosquito::{Mosquito, Report};

use crate::jobs::{Chain, End, HoldThread, How, NeedsRare, Note, PanicAfterwards};
use crate::working::{memory, work};

/// Performs attempts of one job until so many have ended, and answers what is left of it.
async fn after_attempts(how: How, attempts: usize) -> (Mosquito, Vec<String>, Report) {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["ends"]));
    let _ = mosquito.enqueue(End { how }).await.unwrap();
    working.within(Duration::from_secs(3600), "all attempts", attempts_ended(attempts)).await;
    let log = working.log.clone();
    let report = working.stop().await;
    (mosquito, log.lines(), report)
}

fn attempts_ended(attempts: usize) -> impl Fn(&mosquito::events::Event) -> Option<()> {
    let seen = std::cell::Cell::new(0);
    move |event| {
        seen.set(seen.get() + usize::from(matches!(event, mosquito::events::Event::Finished { .. })));
        (seen.get() == attempts).then_some(())
    }
}

/// The list that the one run stands in, how far away its time is in seconds, its attempts and its error.
async fn left(mosquito: &Mosquito) -> Option<(List, i64, u32, String)> {
    let queue = mosquito.queue("ends").unwrap();
    for list in List::ALL {
        if let Some(run) = queue.page(list, 0, 1).await.unwrap().pop() {
            let away = run.at.map_or(0, |at| (at - run_time(&run)).num_seconds());
            return Some((list, away, run.history.attempts, run.history.error.unwrap_or_default()));
        }
    }
    None
}

fn run_time(run: &mosquito::backend::StoredRun) -> mosquito::Timestamp {
    let envelope: serde_json::Value = serde_json::from_slice(&run.envelope).unwrap();
    mosquito::Timestamp::from_timestamp_millis(envelope["enqueued_at"].as_i64().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_run_that_succeeds_is_gone_and_its_hooks_were_called() {
    let (mosquito, log, report) = after_attempts(How::Succeed, 1).await;

    assert_eq!(left(&mosquito).await, None);
    assert_eq!(log, ["before Succeed", "perform Succeed 1", "after Succeed: ok"]);
    assert_eq!((report.performed, report.failed), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_is_tried_again_by_its_policy() {
    let (mosquito, log, report) = after_attempts(How::Fail, 1).await;

    let error = "invalid digit found in string";
    assert_eq!(left(&mosquito).await, Some((List::Scheduled, 10, 1, error.into())));
    assert_eq!(log[2], format!("after Fail: {error}"));
    assert_eq!(report.failed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_each_time_is_dead_when_its_attempts_are_used_up() {
    let (mosquito, log, report) = after_attempts(How::Fail, 3).await;

    let error = "invalid digit found in string";
    assert_eq!(left(&mosquito).await, Some((List::Dead, 20, 3, error.into())));
    assert_eq!(log.iter().filter(|line| line.starts_with("perform")).count(), 3);
    assert_eq!(report.failed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_the_after_hook_is_told() {
    let (mosquito, log, _) = after_attempts(How::Panic, 1).await;

    let error = "panicked: on purpose: 1";
    assert_eq!(left(&mosquito).await, Some((List::Scheduled, 10, 1, error.into())));
    assert_eq!(log.last().unwrap(), &format!("after Panic: {error}"));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_is_a_failure() {
    let (mosquito, log, _) = after_attempts(How::Hang, 1).await;

    let error = "timed out after 5s";
    assert_eq!(left(&mosquito).await, Some((List::Scheduled, 15, 1, error.into())));
    assert_eq!(log.last().unwrap(), &format!("after Hang: {error}"));
}

#[tokio::test(start_paused = true)]
async fn a_before_hook_that_hangs_is_bounded_by_the_timeout() {
    let (mosquito, log, _) = after_attempts(How::HangBefore, 1).await;

    assert_eq!(left(&mosquito).await, Some((List::Scheduled, 15, 1, "timed out after 5s".into())));
    assert!(log.is_empty(), "what was not let through has nothing after it: {log:?}");
}

#[tokio::test]
async fn the_after_hook_of_a_blocking_job_cannot_change_the_outcome() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["threads"]));

    let _ = mosquito.enqueue(PanicAfterwards { perform_panics_too: false }).await.unwrap();
    working.finished(1).await;
    let _ = mosquito.enqueue(PanicAfterwards { perform_panics_too: true }).await.unwrap();
    working.finished(1).await;

    assert_eq!(working.log.lines(), ["after, ok: true", "after, ok: false"]);
    let report = working.stop().await;
    assert_eq!((report.performed, report.failed), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_job_can_say_when_to_try_again() {
    let (mosquito, _, _) = after_attempts(How::RetryIn, 1).await;
    let error = "asked to be tried again in 77s";
    assert_eq!(left(&mosquito).await, Some((List::Scheduled, 77, 1, error.into())));

    let (mosquito, _, _) = after_attempts(How::FailByHook, 2).await;
    let (list, away, attempts, _) = left(&mosquito).await.unwrap();
    assert_eq!((list, away, attempts), (List::Scheduled, 100 + 200, 2), "retry_after knows the attempt");
}

#[tokio::test(start_paused = true)]
async fn a_job_can_give_a_run_up_or_drop_it() {
    let (mosquito, _, report) = after_attempts(How::Dead, 1).await;
    assert_eq!(left(&mosquito).await, Some((List::Dead, 0, 1, "not worth another try".into())));
    assert_eq!(report.failed, 1);

    let (mosquito, _, report) = after_attempts(How::Discard, 1).await;
    assert_eq!(left(&mosquito).await, None);
    assert_eq!((report.discarded, report.performed), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_snooze_gives_the_attempt_back() {
    let (mosquito, log, report) = after_attempts(How::Snooze, 5).await;

    let (list, away, attempts, _) = left(&mosquito).await.unwrap();
    assert_eq!(
        (list, away, attempts),
        (List::Scheduled, 5 * 55, 0),
        "five snoozes, and no attempt is used up"
    );
    assert!(
        log.iter().all(|line| !line.ends_with("perform Snooze 2")),
        "each was the first attempt: {log:?}"
    );
    assert_eq!(report.put_off, 5);
}

#[tokio::test(start_paused = true)]
async fn a_before_hook_can_refuse_an_attempt() {
    let (mosquito, log, report) = after_attempts(How::RefuseBefore, 1).await;

    assert_eq!(left(&mosquito).await, None);
    assert!(log.is_empty(), "neither perform nor after was called: {log:?}");
    assert_eq!(report.discarded, 1);
}

#[tokio::test(start_paused = true)]
async fn an_executor_that_dies_is_replaced_and_its_run_fails() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["ends"]).executors(1));
    let _ = mosquito.enqueue(End { how: How::KillExecutor }).await.unwrap();
    working
        .next("executor died", |event| {
            matches!(event, mosquito::events::Event::ExecutorDied { .. }).then_some(())
        })
        .await;

    let _ = mosquito.enqueue(End { how: How::Succeed }).await.unwrap();
    working
        .next("the next run succeeds", |event| match event {
            mosquito::events::Event::Finished { outcome: mosquito::Outcome::Succeeded, .. } => Some(()),
            _ => None,
        })
        .await;

    let (list, _, attempts, error) = left(&mosquito).await.unwrap();
    assert_eq!((list, attempts), (List::Scheduled, 1), "{error}");
    assert!(error.contains("its executor died"), "{error}");
    assert_eq!(working.handle.executors(), 1);
    let report = working.stop().await;
    assert_eq!((report.performed, report.failed), (1, 1));
}

#[tokio::test]
async fn a_blocking_job_over_its_time_sees_its_token_and_counts_as_timed_out() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["threads"]));

    let _ = mosquito.enqueue(HoldThread { milliseconds: 2_000 }).await.unwrap();
    working.finished(1).await;

    let log = working.log.lines();
    assert_eq!(log, ["thread held", "thread given back, token fired: true"], "it was waited for");
    let dead = mosquito.queue("threads").unwrap().page(List::Dead, 0, 1).await.unwrap();
    let _ = working.stop().await;
    let dead = match dead.is_empty() {
        true => mosquito.queue("threads").unwrap().page(List::Dead, 0, 1).await.unwrap(),
        false => dead,
    };
    assert_eq!(dead[0].history.error.as_deref(), Some("timed out after 200ms"));
}

#[tokio::test(start_paused = true)]
async fn a_job_can_enqueue_jobs() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["chains", "notes"]));

    let _ = mosquito.enqueue(Chain).await.unwrap();
    working.finished(2).await;

    assert_eq!(working.log.lines(), ["from within 1 notes"]);
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_is_performed_in_the_queue_and_at_the_time_it_was_enqueued_for() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["notes", "elsewhere"]));
    let start = tokio::time::Instant::now();

    let later =
        mosquito.enqueue(Note { word: "later".into() }).queue("elsewhere").delay(Duration::from_secs(90));
    let _ = later.await.unwrap();
    working.within(Duration::from_secs(100), "finished", attempts_ended(1)).await;

    let late = start.elapsed() - Duration::from_secs(90);
    assert!(late <= Duration::from_millis(50), "it was {late:?} late");
    assert_eq!(working.log.lines(), ["later 1 elsewhere"]);
    let _ = working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_state_is_not_here_is_left_for_another_process() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["ends"]));

    let _ = mosquito.enqueue(NeedsRare).queue("ends").await.unwrap();
    working.finished(1).await;
    let report = working.stop().await;

    let (list, away, attempts, _) = left(&mosquito).await.unwrap();
    assert_eq!((list, away, attempts), (List::Scheduled, 30, 0), "its attempt is given back");
    assert_eq!(report.put_off, 1);
}
