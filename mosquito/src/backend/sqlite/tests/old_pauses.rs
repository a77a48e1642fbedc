//! Files of the first release: their pauses are heeded, and everything there is now can be said in them.

use std::path::Path;

use rusqlite::Connection;

use super::{Folder, SOON, close, mail, ticket};
use crate::backend::sqlite::Sqlite;
use crate::backend::{Backend, NoteChange, Notebook, Pause, Scope};
use crate::clock::{Clock, from_millis};
use crate::name::QueueName;

/// A file as the first release left it, and has it open still: one queue is paused, and one for a time.
fn old_file(path: &Path) -> Connection {
    let old = Connection::open(path).unwrap();
    old.execute_batch(include_str!("layout_1.sql")).unwrap();
    old.execute_batch("INSERT INTO queues (name, used, paused) VALUES ('bulk', 1, 1)").unwrap();
    old.pragma_update(None, "application_id", 0x6d6f_7371).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    old
}

#[tokio::test]
async fn a_file_of_the_first_release_keeps_its_pauses_and_takes_all_that_is_new() {
    let folder = Folder::new();
    let old = old_file(&folder.file());
    let paused = |name| Scope::Queue(QueueName::new(name).unwrap());

    let sqlite = Sqlite::open_with_clock(folder.file(), Clock::manual_at(from_millis(5_000))).await.unwrap();

    let bulk = sqlite.paused(&paused("bulk")).await.unwrap().unwrap();
    assert_eq!((bulk.since, bulk.until, bulk.everything), (None, None, false));
    let idle = sqlite.paused(&paused("idle")).await.unwrap().unwrap();
    assert_eq!(idle.until, Some(from_millis(9_000)));
    assert_eq!(sqlite.paused(&paused("mail")).await.unwrap(), None);
    sqlite.pause(&Scope::Everything, &Pause::new().lasting(SOON)).await.unwrap();
    assert!(sqlite.claim(&mail(), &ticket(8), 5).await.unwrap().runs.is_empty());
    sqlite.resume(&Scope::Everything).await.unwrap();
    assert_eq!(sqlite.claim(&mail(), &ticket(9), 5).await.unwrap().runs.len(), 3);
    let set = NoteChange::Set("1".into());
    sqlite.change_note(&Notebook::Configuration, "all/executors", &set).await.unwrap();
    // What the process of the first release says of pauses is heeded.
    old.execute_batch("UPDATE queues SET paused = 0, paused_until = NULL WHERE name = 'bulk' AND paused")
        .unwrap();
    assert_eq!(sqlite.paused(&paused("bulk")).await.unwrap(), None);
    old.execute_batch(
        "INSERT INTO queues (name, paused, paused_until) VALUES ('mail', 1, 8000)
         ON CONFLICT DO UPDATE SET paused = 1, paused_until = excluded.paused_until",
    )
    .unwrap();
    assert!(sqlite.paused(&paused("mail")).await.unwrap().is_some());

    let new = folder.0.join("new.db");
    close(Sqlite::open(&new).await.unwrap()).await;
    let columns_of = |path: &Path| columns(&Connection::open(path).unwrap());
    assert_eq!(columns_of(&folder.file()), columns_of(&new), "as if it had been made today");
}

/// Every column of every table, with its type and what else is said about it.
fn columns(connection: &Connection) -> Vec<String> {
    let mut all = connection
        .prepare(
            "SELECT format('%s.%s %s %d %s %d', m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk)
             FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1",
        )
        .unwrap();
    all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
