//! Runs that something holds up, as other processes see them, and what is left of them in the file.

use std::time::Duration;

use rusqlite::Connection;

use super::{FLUSH_STEP, Folder, SOON, mail, run, runs, ticket, waiting};
use crate::backend::sqlite::Sqlite;
use crate::backend::{Backend, Claim, Fate, Settlement, Signal};
use crate::clock::Clock;
use crate::flow::{
    Concurrency, ConcurrencyUse, Fair, Flow, FlowKey, LimitName, OnConflict, Priority, RateKind, RateLimit,
    RateUse, Unique, Until,
};
use crate::job_run::{NewRun, When};

const SECOND: Duration = Duration::from_secs(1);
const NOT_LONG: Duration = Duration::from_millis(150);

fn key(of: impl ToString) -> FlowKey {
    FlowKey::readable(&[of.to_string()]).unwrap()
}

fn one_at_once() -> Flow {
    let name = LimitName::new("letters").unwrap();
    let concurrency = ConcurrencyUse { name, key: key("a"), rule: Concurrency { limit: 1 } };
    Flow { concurrency: Some(concurrency), ..Flow::default() }
}

fn one_a_second() -> Flow {
    let name = LimitName::new("letters").unwrap();
    let rule = RateLimit { limit: 1, per: SECOND, kind: RateKind::Sliding };
    Flow { rate: Some(RateUse { name, key: key("a"), weight: 1, rule }), ..Flow::default() }
}

fn two(flow: &Flow) -> [NewRun; 2] {
    [(); 2].map(|()| run(When::Now).flowing(flow.clone()))
}

/// Two handles that know nothing of each other, as in two processes.
async fn two_processes(folder: &Folder, clock: &Clock) -> (Sqlite, Sqlite) {
    let open = || Sqlite::open_with_clock(folder.file(), clock.clone());
    (open().await.unwrap(), open().await.unwrap())
}

fn forget(claim: &Claim) -> Settlement {
    Settlement { id: claim.id.clone(), token: claim.token.clone(), fate: Fate::Forget }
}

#[tokio::test]
async fn what_waits_for_a_slot_wakes_nobody_until_it_is_free() {
    let folder = Folder::new();
    let (ours, theirs) = two_processes(&folder, &Clock::manual()).await;
    assert!(theirs.enqueue(&mail(), &two(&one_at_once())).await.is_ok());
    let claimed = theirs.claim(&mail(), &ticket(1), 9).await.unwrap().runs;
    assert_eq!((claimed.len(), waiting(&ours).await), (1, 1));

    let woken = ours.wait(Signal::Work, &[mail()], NOT_LONG).await;
    assert_eq!(woken.unwrap(), None, "one waits, and cannot be claimed");
    assert!(theirs.settle(&mail(), &[forget(&claimed[0])]).await.is_ok());

    assert_eq!(ours.wait(Signal::Work, &[mail()], SOON).await.unwrap(), Some(mail()));
    assert_eq!(ours.claim(&mail(), &ticket(2), 9).await.unwrap().runs.len(), 1);
}

#[tokio::test]
async fn what_waits_for_its_time_wakes_who_sees_to_that_and_then_who_works() {
    let (folder, clock) = (Folder::new(), Clock::manual());
    let (ours, theirs) = two_processes(&folder, &clock).await;
    assert!(theirs.enqueue(&mail(), &two(&one_a_second())).await.is_ok());
    assert_eq!(theirs.claim(&mail(), &ticket(1), 9).await.unwrap().runs.len(), 1);

    assert_eq!(ours.wait(Signal::Work, &[mail()], NOT_LONG).await.unwrap(), None, "its time has not come");
    assert_eq!(ours.wait(Signal::Due, &[mail()], SOON).await.unwrap(), Some(mail()), "which comes by itself");
    let due = ours.promote(&mail(), 9).await.unwrap();
    assert_eq!((due.moved, due.woken), (0, 0));
    clock.step(i64::try_from(due.next_due.unwrap().as_millis()).unwrap());
    assert_eq!(ours.promote(&mail(), 9).await.unwrap().woken, 1);

    assert_eq!(theirs.wait(Signal::Work, &[mail()], SOON).await.unwrap(), Some(mail()));
    assert_eq!(theirs.claim(&mail(), &ticket(2), 9).await.unwrap().runs.len(), 1);
}

#[tokio::test]
async fn a_run_of_any_level_wakes_another_process() {
    let folder = Folder::new();
    let (ours, theirs) = two_processes(&folder, &Clock::manual()).await;

    for level in 0..=9 {
        let flow = Flow { priority: Priority::new(level).unwrap(), ..Flow::default() };
        assert!(theirs.enqueue(&mail(), &[run(When::Now).flowing(flow)]).await.is_ok());
        let woken = ours.wait(Signal::Work, &[mail()], SOON).await.unwrap();
        assert_eq!(woken, Some(mail()), "level {level}");
        let claimed = ours.claim(&mail(), &ticket(u64::from(level) + 1), 9).await.unwrap().runs;
        assert_eq!(claimed.len(), 1, "level {level}");
        assert_eq!(ours.wait(Signal::Work, &[mail()], Duration::ZERO).await.unwrap(), None, "level {level}");
    }
}

#[tokio::test]
async fn a_queue_of_plain_runs_has_nothing_beside_them() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(3)).await.is_ok());
    let claimed = sqlite.claim(&mail(), &ticket(1), 2).await.unwrap().runs;
    assert!(sqlite.settle(&mail(), &[forget(&claimed[0])]).await.is_ok());

    let connection = Connection::open(folder.file()).unwrap();
    let turns: Option<String> =
        connection.query_row("SELECT turns FROM queues WHERE name = 'mail'", [], |row| row.get(0)).unwrap();
    assert_eq!(turns, None, "so each call knows by one look");
    let flowing = "SELECT count(*) FROM runs WHERE lane IS NOT NULL OR flow IS NOT NULL";
    assert_eq!(connection.query_row(flowing, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn a_flush_in_steps_leaves_no_lane_slot_or_key() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let many = usize::try_from(FLUSH_STEP).unwrap() + 10;
    let flow = |n: usize| Flow {
        fair: Some(Fair { key: key(n), weight: 1 }),
        unique: Some(Unique { key: key(n), until: Until::For(60 * SECOND), on_conflict: OnConflict::Return }),
        ..one_at_once()
    };
    let runs: Vec<_> = (0..many).map(|n| run(When::Now).flowing(flow(n))).collect();
    assert!(sqlite.enqueue(&mail(), &runs).await.unwrap().iter().all(|answer| answer.is_new()));
    let other = crate::name::QueueName::new("other").unwrap();
    assert!(sqlite.enqueue(&other, &two(&flow(0))).await.is_ok());
    assert_eq!(sqlite.claim(&other, &ticket(1), 9).await.unwrap().runs.len(), 1);
    let first = sqlite.claim(&mail(), &ticket(1), 9).await.unwrap().runs;
    assert!(sqlite.settle(&mail(), &[forget(&first[0])]).await.is_ok(), "whose key outlives it");
    assert_eq!(sqlite.claim(&mail(), &ticket(2), 9).await.unwrap().runs.len(), 1);

    sqlite.flush(&mail()).await.unwrap();

    let connection = Connection::open(folder.file()).unwrap();
    for (table, of_others) in [("runs", 1), ("lanes", 0), ("slots", 1), ("unique_keys", 1)] {
        let count = |whose: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {table} WHERE queue {whose} 'mail'");
            connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((count("="), count("<>")), (0, of_others), "{table}");
    }
}
