//! The notes beside the queues.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::backend::sqlite::Sqlite;
use crate::backend::sqlite::call::Kind;
use crate::backend::{NOTES_LIMIT, NoteChange, Notebook, Noted, changed};
use crate::error::Result;

impl Sqlite {
    pub(super) async fn all_notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>> {
        let notebook = word(notebook);
        self.thread
            .call(Kind::Look, move |connection, _| {
                let mut all = connection.prepare_cached("SELECT key, text FROM notes WHERE notebook = ?1")?;
                all.query_map([notebook], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .await
    }

    pub(super) async fn one_note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>> {
        let (notebook, key) = (word(notebook), key.to_owned());
        self.thread.call(Kind::Look, move |connection, _| note(connection, &notebook, &key)).await
    }

    pub(super) async fn note_down(&self, notebook: &Notebook, key: &str, to: &NoteChange) -> Result<Noted> {
        let (notebook, key, to) = (word(notebook), key.to_owned(), to.clone());
        self.thread.call(Kind::Keep, move |connection, _| change(connection, &notebook, &key, &to)).await
    }
}

fn note(connection: &Connection, notebook: &str, key: &str) -> rusqlite::Result<Option<String>> {
    let mut one = connection.prepare_cached("SELECT text FROM notes WHERE notebook = ?1 AND key = ?2")?;
    one.query_row((notebook, key), |row| row.get(0)).optional()
}

fn change(connection: &Connection, notebook: &str, key: &str, to: &NoteChange) -> rusqlite::Result<Noted> {
    let before = note(connection, notebook, key)?;
    let room = before.is_some() || has_room(connection, notebook)?;
    let noted = changed(to, before, room);
    match &noted {
        Noted::Done { now: Some(text), .. } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO notes (notebook, key, text) VALUES (?1, ?2, ?3)")?
                .execute((notebook, key, text))?;
        }
        Noted::Done { now: None, .. } => {
            connection
                .prepare_cached("DELETE FROM notes WHERE notebook = ?1 AND key = ?2")?
                .execute((notebook, key))?;
        }
        _ => (),
    }
    Ok(noted)
}

fn has_room(connection: &Connection, notebook: &str) -> rusqlite::Result<bool> {
    let mut count = connection.prepare_cached("SELECT count(*) FROM notes WHERE notebook = ?1")?;
    let count: i64 = count.query_row([notebook], |row| row.get(0))?;
    Ok(usize::try_from(count).is_ok_and(|count| count < NOTES_LIMIT))
}

/// No name has a slash.
fn word(notebook: &Notebook) -> String {
    match notebook {
        Notebook::Configuration => "configuration".into(),
        Notebook::Overseers => "overseers".into(),
        Notebook::Job(job) => format!("job/{job}"),
    }
}
