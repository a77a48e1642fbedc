//! What the contract suite cannot see: files that are not ours, what stands between two handles on one
//! file, and what happens inside the thread.

mod held_up;
mod layouts;
mod old_pauses;
mod plans;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::Duration;

use serde_json::value::RawValue;

use super::call::Kind;
use super::flush::FLUSH_STEP;
use super::{Sqlite, errors};
use crate::backend::{Backend, Fate, List, Pause, Scope, Settled, Settlement, Signal, Ticket};
use crate::clock::Clock;
use crate::error::Error;
use crate::job_run::{Body, NewRun, When};
use crate::name::{JobName, OverseerId, QueueName, RunId};

const SOON: Duration = Duration::from_secs(10);

/// A folder of a test's own, removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("mosquito-{}", RunId::random()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("jobs.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn mail() -> QueueName {
    QueueName::new("mail").unwrap()
}

fn run(when: When) -> NewRun {
    let args = RawValue::from_string("{}".into()).unwrap();
    NewRun::new(RunId::random(), when, &Body::new(&JobName::new("send").unwrap(), &args))
}

fn runs(count: usize) -> Vec<NewRun> {
    (0..count).map(|_| run(When::Now)).collect()
}

fn ticket(number: u64) -> Ticket {
    Ticket { overseer: OverseerId::new("o").unwrap(), number }
}

async fn waiting(sqlite: &Sqlite) -> usize {
    sqlite.sizes(&mail()).await.unwrap().waiting
}

/// The refusal to open a file, which must not touch it.
async fn refusal(path: &Path) -> String {
    let before = fs::read(path).ok();

    let refused = Sqlite::open(path).await.unwrap_err();

    assert_eq!(fs::read(path).ok(), before, "the file was changed");
    assert!(matches!(refused, Error::Refused { .. }), "{refused:?}");
    assert!(!refused.is_transient());
    format!("{refused:?}")
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    fs::write(folder.file(), "Dear diary, today I wrote a text file.".repeat(100)).unwrap();

    let told = refusal(&folder.file()).await;

    assert!(told.contains("is not a SQLite database; name another path"), "{told}");
    assert!(told.contains("jobs.db"), "{told}");
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_told_why() {
    let folder = Folder::new();
    fs::write(folder.0.join("file"), "").unwrap();

    assert!(refusal(&folder.0).await.contains("it is a directory; name a file in it"));
    assert!(refusal(&folder.0.join("no/jobs.db")).await.contains("/no` does not exist; create it"));
    assert!(refusal(&folder.0.join("file/jobs.db")).await.contains("/file` is not a directory"));
    assert!(refusal(Path::new(":memory:")).await.contains("use the memory backend, `memory://`"));
    assert!(refusal(Path::new("")).await.contains("a path is needed"));
}

#[tokio::test]
async fn the_database_of_another_application_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    let theirs = |name: &str, sql: &str| {
        let path = folder.0.join(name);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    };

    for path in [
        theirs("tables", "CREATE TABLE runs (kilometres)"),
        theirs("version", "PRAGMA user_version = 1"),
        theirs("application", "PRAGMA application_id = 7"),
    ] {
        assert!(refusal(&path).await.contains("the database of another application; name another path"));
    }
}

#[tokio::test]
async fn the_layout_of_a_newer_release_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    close(Sqlite::open(folder.file()).await.unwrap()).await;
    let connection = rusqlite::Connection::open(folder.file()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(connection);

    let told = refusal(&folder.file()).await;

    assert!(told.contains("a newer release of mosquito wrote it, in layout 99"), "{told}");
}

#[tokio::test]
async fn a_damaged_file_is_told_from_a_busy_one() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(1_000)).await.is_ok());
    close(sqlite).await;
    let mut bytes = fs::read(folder.file()).unwrap();
    // Behind the tables' own description: it can be opened.
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(folder.file(), bytes).unwrap();

    let damaged = Sqlite::open(folder.file()).await.unwrap().sizes(&mail()).await.unwrap_err();

    assert!(!damaged.is_transient());
    assert!(damaged.to_string().contains("the file is damaged; move it away and restore a backup"));
    let busy = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None);
    assert!(errors::explain(&folder.file(), busy).is_transient());
}

#[tokio::test]
async fn a_full_disk_undoes_its_call_and_no_other() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(10)).await.is_ok());
    let pages = |limit: i64| {
        sqlite.thread.call(Kind::Look, move |connection, _| {
            connection.pragma_update_and_check(None, "max_page_count", limit, |row| row.get::<_, i64>(0))
        })
    };
    pages(20).await.unwrap();

    let full = sqlite.enqueue(&mail(), &runs(10_000)).await.unwrap_err();

    assert!(format!("{full:?}").contains("the disk is full; make room on it"), "{full:?}");
    assert!(full.is_transient(), "and then it goes on");
    assert_eq!(waiting(&sqlite).await, 10);
    pages(1_000_000).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(10_000)).await.is_ok(), "it goes on where there is room");
}

#[tokio::test]
async fn what_was_enqueued_is_there_when_the_file_is_opened_again() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let enqueued = sqlite.enqueue(&mail(), &runs(2)).await.unwrap();
    close(sqlite).await;

    let sqlite = Sqlite::open(folder.file()).await.unwrap();

    let found = sqlite.page(&mail(), List::Waiting, 0, 9).await.unwrap();
    assert!(found.iter().map(|run| &run.id).eq(enqueued.iter().map(|new| new.id())));
}

/// Drops a handle, and waits until its thread has ended.
async fn close(sqlite: Sqlite) {
    let signals = sqlite.signals.clone();
    drop(sqlite);
    tokio::time::timeout(SOON, async {
        while Arc::strong_count(&signals) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the thread ends with its last handle");
}

#[tokio::test]
async fn the_thread_ends_and_the_log_is_put_away_when_the_last_handle_is_dropped() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(1)).await.is_ok());

    close(sqlite).await;

    let left: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(left, [folder.file()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_a_new_file_at_once() {
    let folder = Folder::new();

    let opening: Vec<_> = (0..16).map(|_| tokio::spawn(Sqlite::open(folder.file()))).collect();

    for opened in opening {
        assert!(opened.await.unwrap().unwrap().enqueue(&mail(), &runs(1)).await.is_ok());
    }
}

#[tokio::test]
async fn what_another_process_does_wakes_a_waiter() {
    let folder = Folder::new();
    let (ours, theirs) =
        (Sqlite::open(folder.file()).await.unwrap(), Sqlite::open(folder.file()).await.unwrap());
    let (mail, new) = (mail(), runs(1));
    let (queues, of_mail) = ([mail.clone()], Scope::from(&mail));
    let wait = |signal| ours.wait(signal, &queues, SOON);

    let (woken, _) = tokio::join!(wait(Signal::Work), theirs.enqueue(&mail, &new));
    assert_eq!(woken.unwrap(), Some(mail.clone()), "by an enqueue");
    theirs.pause(&(&mail).into(), &Pause::new()).await.unwrap();
    let nothing = ours.wait(Signal::Work, &queues, Duration::from_millis(100)).await;
    assert_eq!(nothing.unwrap(), None, "by a pause");
    let (woken, _) = tokio::join!(wait(Signal::Work), theirs.resume(&of_mail));
    assert_eq!(woken.unwrap(), Some(mail.clone()), "by a resume");
    let later = [run(When::After(Duration::from_secs(60)))];
    let (woken, _) = tokio::join!(wait(Signal::Due), theirs.enqueue(&mail, &later));
    assert_eq!(woken.unwrap(), Some(mail.clone()), "by a schedule");
}

#[tokio::test]
async fn what_another_process_did_while_nobody_waited_is_not_missed() {
    let folder = Folder::new();
    let (ours, theirs) =
        (Sqlite::open(folder.file()).await.unwrap(), Sqlite::open(folder.file()).await.unwrap());
    let other = QueueName::new("other").unwrap();
    let both = [other, mail()];
    let wait = |signal, timeout| ours.wait(signal, &both, timeout);
    assert!(ours.enqueue(&mail(), &[run(When::After(Duration::from_secs(60)))]).await.is_ok());
    assert!(ours.promote(&mail(), 9).await.unwrap().next_due.is_some());
    assert_eq!(wait(Signal::Due, SOON).await.unwrap(), Some(mail()), "our own");

    assert!(theirs.enqueue(&mail(), &[run(When::After(Duration::from_secs(90)))]).await.is_ok());
    assert_eq!(wait(Signal::Due, Duration::from_millis(100)).await.unwrap(), None, "a later one");
    let earlier = [run(When::Now), run(When::After(Duration::from_secs(30)))];
    assert!(theirs.enqueue(&mail(), &earlier).await.is_ok());

    // Another wait in between sees the change first, and must not take it from the others.
    assert_eq!(wait(Signal::Work, SOON).await.unwrap(), Some(mail()));
    assert_eq!(wait(Signal::Due, SOON).await.unwrap(), Some(mail()));
    assert_eq!(wait(Signal::Due, Duration::from_millis(100)).await.unwrap(), None, "told already");
}

#[tokio::test]
async fn a_separate_handle_shares_the_doorbell_and_the_clock() {
    let folder = Folder::new();
    let clock = Clock::manual();
    let sqlite = Sqlite::open_with_clock(folder.file(), clock.clone()).await.unwrap();
    let separate = sqlite.separate().await.unwrap();

    clock.step(5_000);
    assert!(sqlite.enqueue(&mail(), &runs(1)).await.is_ok());

    assert_eq!(separate.wait(Signal::Work, &[mail()], Duration::ZERO).await.unwrap(), Some(mail()));
    assert_eq!(separate.claim(&mail(), &ticket(1), 1).await.unwrap().now, clock.now());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_hammer_one_file_and_no_run_is_lost_or_claimed_twice() {
    const EACH: usize = 1_500;
    let folder = Folder::new();
    let path = folder.file();
    let hammer = async |name: &'static str, path: PathBuf| {
        let (sqlite, overseer) = (Sqlite::open(path).await.unwrap(), OverseerId::new(name).unwrap());
        let mut settled = Vec::new();
        for number in 0..EACH as u64 / 5 {
            assert!(sqlite.enqueue(&mail(), &runs(5)).await.is_ok());
            let ticket = Ticket { overseer: overseer.clone(), number };
            let claimed = sqlite.claim(&mail(), &ticket, 7).await.unwrap().runs;
            settled.extend(claimed.iter().map(|run| run.id.clone()));
            let forget = claimed.into_iter();
            let forget = forget.map(|run| Settlement { id: run.id, token: run.token, fate: Fate::Forget });
            let answers = sqlite.settle(&mail(), &forget.collect::<Vec<_>>()).await.unwrap();
            assert!(answers.iter().all(|answer| *answer == Settled::Done));
        }
        settled
    };

    let one = tokio::spawn(hammer("one", path.clone()));
    let two = tokio::spawn(hammer("two", path.clone()));

    let mut settled = one.await.unwrap();
    settled.extend(two.await.unwrap());
    let left = Sqlite::open(path).await.unwrap().sizes(&mail()).await.unwrap();
    assert_eq!(settled.len() + left.total(), 2 * EACH, "none is lost");
    settled.sort();
    settled.dedup();
    assert_eq!(settled.len() + left.total(), 2 * EACH, "none is claimed twice");
}

#[tokio::test]
async fn a_call_that_fails_undoes_nothing_of_those_it_shares_a_transaction_with() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let (let_go, held) = mpsc::channel::<()>();
    // While this one is performed the others come, and join its transaction.
    let hold = sqlite.thread.call(Kind::Keep, move |_, _| {
        held.recv().expect_err("its sender is dropped");
        Ok(())
    });
    let (mail, first, third) = (mail(), runs(1), runs(1));
    let fails = sqlite.thread.call(Kind::Keep, |connection, _| {
        connection.execute("DELETE FROM runs", [])?;
        connection.execute("INSERT INTO leader (only) VALUES (2)", [])
    });

    let (held, first, failed, third, ()) =
        tokio::join!(hold, sqlite.enqueue(&mail, &first), fails, sqlite.enqueue(&mail, &third), async {
            drop(let_go);
        });

    assert!(held.is_ok() && first.unwrap()[0].is_new() && third.unwrap()[0].is_new());
    assert!(failed.is_err());
    assert_eq!(waiting(&sqlite).await, 2);
}

#[tokio::test]
async fn a_first_call_that_fails_is_undone_and_those_behind_it_go_on() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(1)).await.is_ok());
    let (let_go, held) = mpsc::channel::<()>();
    let fails = sqlite.thread.call(Kind::Keep, move |connection, _| {
        connection.execute("DELETE FROM runs", [])?;
        held.recv().expect_err("its sender is dropped");
        connection.execute("INSERT INTO leader (only) VALUES (2)", [])
    });
    let (mail, second) = (mail(), runs(1));

    let (failed, second, ()) = tokio::join!(fails, sqlite.enqueue(&mail, &second), async { drop(let_go) });

    assert!(failed.is_err() && second.unwrap()[0].is_new());
    assert_eq!(waiting(&sqlite).await, 2);
}

#[tokio::test]
async fn a_call_whose_caller_goes_away_is_performed_wholly() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let many = runs(usize::try_from(FLUSH_STEP).unwrap() * 2 + 1);
    assert!(sqlite.enqueue(&mail(), &many).await.is_ok());

    let queue = mail();
    let mut flush = sqlite.flush(&queue);
    assert!(flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(flush);

    tokio::time::timeout(SOON, async { while waiting(&sqlite).await > 0 {} }).await.expect("it goes on");
}

#[tokio::test]
async fn a_long_flush_lets_other_calls_in_and_ends_where_it_began() {
    let folder = Folder::new();
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    assert!(sqlite.enqueue(&mail(), &runs(usize::try_from(FLUSH_STEP).unwrap() * 4)).await.is_ok());

    let queue = mail();
    let flush = sqlite.flush(&queue);
    let others = async {
        assert_ne!(waiting(&sqlite).await, 0, "it is under way");
        sqlite.enqueue(&queue, &runs(1)).await
    };
    let (flushed, enqueued) = tokio::join!(flush, others);

    assert!(flushed.is_ok() && enqueued.is_ok());
    assert_eq!(waiting(&sqlite).await, 1, "what came later stays");
}
