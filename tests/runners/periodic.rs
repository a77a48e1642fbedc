//! Periodic jobs: each tick once, whoever coordinates.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use mosquito::backend::memory::Memory;
use mosquito::events::Event;
use mosquito::{Clock, Mosquito};
use mosquito_tests::{Program, RedisServer};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::jobs::{EachSecond, MorningGreeting, Note};
use crate::working::{memory, work};

fn ticks(lines: Vec<String>) -> Vec<i64> {
    lines.iter().map(|line| line.parse().expect("a time in ms")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_seconds_is_sixty_ticks_also_when_the_leader_goes() {
    let mosquito = memory().await;
    let mut first = work(&mosquito, |runner| runner.queues(["ticks"]));
    first.next("leading", |event| matches!(event, Event::Leading { .. }).then_some(())).await;
    let second = work(&mosquito, |runner| runner.queues(["ticks"]));

    tokio::time::sleep(Duration::from_millis(30_500)).await;
    first.handle.leave();
    let log = first.log.clone();
    let _ = first.end().await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;

    let all: Vec<_> = ticks([log.lines(), second.log.lines()].concat());
    let different: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(all.len(), different.len(), "none was performed twice");
    assert_eq!(different.len(), 60);
    let (earliest, latest) = (different.first().unwrap(), different.last().unwrap());
    assert_eq!(latest - earliest, 59_000, "there is no gap");
    let _ = second.stop().await;
    let _ = EachSecond;
}

#[tokio::test(start_paused = true)]
async fn a_month_of_weekday_mornings_greets_by_its_default() {
    let clock = Clock::manual();
    let mosquito = Mosquito::new(Arc::new(Memory::with_clock(clock.clone())));
    let working = work(&mosquito, |runner| runner.queues(["greetings"]));
    tokio::time::sleep(Duration::from_secs(1)).await;

    for _ in 0..28 {
        clock.step(86_400_000);
        // A coordinator looks at a schedule once a minute, however far away the next tick seemed.
        tokio::time::sleep(Duration::from_secs(61)).await;
    }

    let lines = working.log.lines();
    assert_eq!(lines.len(), 20, "four weeks of five days");
    assert!(lines.iter().all(|line| line == "good morning Ada"));
    let _ = working.stop().await;
    let _ = MorningGreeting::default();
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_repeats_no_tick() {
    let clock = Clock::manual();
    let mosquito = Mosquito::new(Arc::new(Memory::with_clock(clock.clone())));
    let working = work(&mosquito, |runner| runner.queues(["greetings"]));
    tokio::time::sleep(Duration::from_secs(1)).await;
    clock.step(7 * 86_400_000);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(working.log.lines().len(), 1, "a week was missed at once: `missed` is once");

    clock.step(-3 * 86_400_000);
    tokio::time::sleep(Duration::from_secs(300)).await;
    clock.step(3 * 86_400_000);
    tokio::time::sleep(Duration::from_secs(300)).await;

    assert_eq!(working.log.lines().len(), 1, "no tick came twice");
    let _ = working.stop().await;
}

/// Two processes on one Redis for a minute; the one that coordinates is killed in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minute_of_seconds_is_sixty_ticks_also_when_the_leading_process_is_killed() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger");
    let start = || Program::at(env!("CARGO_BIN_EXE_ticker")).arg(server.url()).arg(&ledger).start();
    let mut first = start();
    let _leading = first.wait_for_line("leading", Duration::from_secs(20));
    let begin = Instant::now();
    let mut second = start();

    // Between two ticks, so that none is being performed.
    tokio::time::sleep_until(begin + Duration::from_millis(30_500)).await;
    first.kill();
    let _leading = second.wait_for_line("leading", Duration::from_secs(20));
    tokio::time::sleep_until(begin + Duration::from_millis(60_500)).await;
    second.signal(Signal::SIGTERM);
    assert!(second.wait_for_end(Duration::from_secs(20)).success());

    let all = ticks(std::fs::read_to_string(&ledger).unwrap().lines().map(str::to_owned).collect());
    let different: BTreeSet<_> = all.iter().copied().collect();
    assert_eq!(all.len(), different.len(), "none was performed twice");
    assert!((59..=63).contains(&different.len()), "{} ticks", different.len());
    let (earliest, latest) = (different.first().unwrap(), different.last().unwrap());
    let gapless = i64::try_from(different.len()).unwrap() - 1;
    assert_eq!(latest - earliest, 1_000 * gapless, "there is no gap");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_works_on_other_queues_holds_up_neither_due_runs_nor_ticks() {
    let mosquito = memory().await;
    let mut leader = work(&mosquito, |runner| runner.queues(["chains"]));
    leader.next("leading", |event| matches!(event, Event::Leading { .. }).then_some(())).await;
    let mut other = work(&mosquito, |runner| runner.queues(["notes", "ticks"]));

    let delayed = Note { word: "later".into() };
    let _ = mosquito.enqueue(delayed).delay(Duration::from_secs(20)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(21)).await;
    other.finished(1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;

    let (notes, seconds): (Vec<_>, Vec<_>) =
        other.log.lines().into_iter().partition(|line| line.starts_with("later"));
    assert_eq!(notes, ["later 1 notes"]);
    assert!(seconds.len() >= 28, "{} ticks in 31 s", seconds.len());
    let _ = (leader.stop().await, other.stop().await);
}

#[tokio::test(start_paused = true)]
async fn a_periodic_job_that_cannot_be_made_holds_up_nobody() {
    let mosquito = memory().await;
    let mut working = work(&mosquito, |runner| runner.queues(["unmakeable", "notes"]));
    tokio::time::sleep(Duration::from_secs(5)).await;

    let _ = mosquito.enqueue(Note { word: "later".into() }).delay(Duration::from_secs(5)).await.unwrap();
    working.finished(1).await;

    assert_eq!(working.log.lines(), ["later 1 notes"]);
    let _ = working.stop().await;
}
