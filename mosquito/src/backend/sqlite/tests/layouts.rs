//! Files that an earlier release made.

use std::path::Path;

use rusqlite::Connection;

use super::{Folder, SOON, close, mail, run, runs};
use crate::backend::sqlite::Sqlite;
use crate::backend::{Backend, ClaimToken, Fate, Lease, List, Settled, Settlement, Ticket};
use crate::clock::{Clock, from_millis};
use crate::flow::{Flow, Priority};
use crate::job_run::When;
use crate::name::{JobName, OverseerId, QueueName, RunId};

/// Makes a file as the release before made it.
fn of_layout_1(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
    connection.execute_batch(include_str!("layout_1.sql")).unwrap();
    connection.pragma_update(None, "application_id", 0x6d6f_7371).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection
}

/// Every row of these columns, as text.
fn rows(connection: &Connection, table: &str, columns: &[String]) -> Vec<String> {
    let columns: Vec<_> = columns.iter().map(|column| format!("quote({column})")).collect();
    let all = columns.join(" || ',' || ");
    lines(connection, &format!("SELECT {all} FROM {table} ORDER BY 1"))
}

fn lines(connection: &Connection, sql: &str) -> Vec<String> {
    let mut lines = connection.prepare(sql).unwrap();
    lines.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// The tables, each with its columns.
fn tables(connection: &Connection) -> Vec<(String, Vec<String>)> {
    let named = lines(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let columns = |table: &String| {
        lines(connection, &format!("SELECT name FROM pragma_table_xinfo('{table}') ORDER BY name"))
    };
    named.into_iter().map(|table| (table.clone(), columns(&table))).collect()
}

#[tokio::test]
async fn a_file_of_the_release_before_is_brought_up_with_every_row_that_is_in_it() {
    let folder = Folder::new();
    let before = of_layout_1(&folder.file());
    let tables = tables(&before);
    let everything = |connection: &Connection| -> Vec<_> {
        tables.iter().map(|(table, columns)| rows(connection, table, columns)).collect()
    };
    let stored = everything(&before);
    assert!(tables.len() == 5 && stored.iter().all(|rows| !rows.is_empty()), "there is something in each");

    close(Sqlite::open(folder.file()).await.unwrap()).await;

    assert_eq!(everything(&Connection::open(folder.file()).unwrap()), stored);
}

#[tokio::test]
async fn what_a_file_of_the_release_before_holds_goes_on_as_it_would_have() {
    let folder = Folder::new();
    drop(of_layout_1(&folder.file()));
    let clock = Clock::manual_at(from_millis(5_000));
    let sqlite = Sqlite::open_with_clock(folder.file(), clock.clone()).await.unwrap();
    let (mail, o) = (mail(), OverseerId::new("o").unwrap());
    let ticket = |number| Ticket { overseer: o.clone(), number };
    let ids = async |list| -> Vec<String> {
        let page = sqlite.page(&mail, list, 0, 99).await.unwrap();
        page.into_iter().map(|run| run.id.to_string()).collect()
    };

    assert_eq!(ids(List::Waiting).await, ["back", "first", "second"]);
    assert_eq!(ids(List::Pending).await, ["claimed", "beside"]);
    assert_eq!(ids(List::Scheduled).await, ["due", "later"]);
    assert_eq!(ids(List::Dead).await, ["dead"]);
    assert_eq!(sqlite.beat(&o, std::slice::from_ref(&mail)).await.unwrap(), [Lease::Held]);
    assert_eq!(sqlite.claim(&mail, &ticket(7), 9).await.unwrap().runs.len(), 2, "its ticket is known");

    let settlement = Settlement {
        id: RunId::new("claimed").unwrap(),
        token: ClaimToken("o:7:4".into()),
        fate: Fate::Forget,
    };
    assert_eq!(sqlite.settle(&mail, &[settlement]).await.unwrap(), [Settled::Done]);
    assert_eq!(sqlite.promote(&mail, 9).await.unwrap().moved, 1);
    let claimed = sqlite.claim(&mail, &ticket(8), 9).await.unwrap().runs;
    assert!(claimed.iter().map(|run| run.id.as_str()).eq(["back", "first", "second", "due"]));
    let tokens: Vec<_> = claimed.iter().map(|run| run.token.0.as_str()).collect();
    assert_eq!(tokens, ["o:8:6", "o:8:7", "o:8:8", "o:8:9"], "no number is used twice");
    assert_eq!((claimed[0].history.crashes, claimed[2].history.unknown), (1, 2));

    let report = JobName::new("report").unwrap();
    assert_eq!(sqlite.last_tick(&mail, &report).await.unwrap().at, from_millis(2_000));
    let idle = sqlite.paused(&(&QueueName::new("idle").unwrap()).into()).await.unwrap().unwrap();
    assert_eq!(idle.until, Some(from_millis(9_000)));
    let other = OverseerId::new("other").unwrap();
    assert_eq!(sqlite.lead(&other, SOON).await.unwrap(), None, "somebody leads");
    assert_eq!(sqlite.lead(&o, SOON).await.unwrap(), Some(12));
}

#[tokio::test]
async fn a_file_that_was_brought_up_is_laid_out_as_a_new_one() {
    let folder = Folder::new();
    let (old, new) = (folder.0.join("old.db"), folder.0.join("new.db"));
    drop(of_layout_1(&old));
    for path in [&old, &new] {
        close(Sqlite::open(path).await.unwrap()).await;
    }

    let [old, new] = [old, new].map(|path| {
        let connection = Connection::open(path).unwrap();
        let columns = "SELECT t.name || '.' || c.name || ' ' || c.type || c.\"notnull\" || c.pk || c.hidden
                           || coalesce(c.dflt_value, '')
                       FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' ORDER BY 1";
        let indexes =
            "SELECT t.tbl_name || '.' || t.name || ' ' || c.seqno || ' ' || c.name || c.desc || c.key
                       FROM sqlite_schema t, pragma_index_xinfo(t.name) c WHERE t.type = 'index' ORDER BY 1";
        let layout =
            "SELECT user_version || ' ' || application_id FROM pragma_user_version, pragma_application_id";
        [columns, indexes, layout].map(|sql| lines(&connection, sql))
    });

    assert_eq!(old, new);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_bring_up_one_file_at_once() {
    let folder = Folder::new();
    drop(of_layout_1(&folder.file()));

    let opening: Vec<_> = (0..16).map(|_| tokio::spawn(Sqlite::open(folder.file()))).collect();

    for opened in opening {
        let sqlite = opened.await.unwrap().unwrap();
        assert!(sqlite.enqueue(&mail(), &runs(1)).await.is_ok());
        assert_eq!(sqlite.sizes(&mail()).await.unwrap().pending, 2);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_brought_up_is_left_as_it_is() {
    let folder = Folder::new();
    let connection = of_layout_1(&folder.file());
    connection.execute_batch("DROP INDEX runs_by_place; PRAGMA journal_mode = delete").unwrap();
    drop(connection);

    let refused = Sqlite::open(folder.file()).await.unwrap_err();

    assert!(format!("{refused:?}").contains("what this release of mosquito did not write"), "{refused:?}");
    let connection = Connection::open(folder.file()).unwrap();
    assert_eq!(lines(&connection, "SELECT name FROM sqlite_schema WHERE name = 'lanes'"), [""; 0]);
    assert_eq!(lines(&connection, "SELECT '' || user_version FROM pragma_user_version"), ["1"]);
}

#[tokio::test]
async fn a_process_of_the_release_before_goes_on_with_plain_runs_and_is_refused_what_a_limit_may_hold_up() {
    let folder = Folder::new();
    let before = of_layout_1(&folder.file());
    let sqlite = Sqlite::open(folder.file()).await.unwrap();
    let urgent = Flow { priority: Priority::FIRST, ..Flow::default() };
    let urgent = run(When::Now).flowing(urgent);
    assert!(sqlite.enqueue(&mail(), std::slice::from_ref(&urgent)).await.is_ok());

    // In the words of that release.
    let claim = |id: &str| {
        before.execute(
            "UPDATE runs SET list = 'pending', overseer = 'o', ticket = 8, rank = 6, claimed_at = 5000
             WHERE queue = 'mail' AND id = ?1",
            [id],
        )
    };
    let enqueued = before.execute(
        "INSERT INTO runs (queue, id, list, rank, envelope) VALUES ('mail', 'new', 'waiting', 2, '{}')",
        [],
    );

    assert_eq!((enqueued.unwrap(), claim("new").unwrap()), (1, 1));
    assert!(claim(urgent.id.as_str()).unwrap_err().to_string().contains("CHECK constraint failed"));
    assert_eq!(sqlite.find(&mail(), &urgent.id).await.unwrap().unwrap().list, List::Waiting);
}
