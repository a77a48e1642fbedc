//! Opens the file, once it is sure that the file is ours.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use crate::backend::sqlite::errors;
use crate::error::Result;

/// Marks a file as mosquito's: "mosq".
const APPLICATION_ID: i32 = 0x6d6f_7371;

/// The layout that this release writes.
const LAYOUT: i32 = 2;

/// How long a call waits for other processes to finish their transactions, each of which is short.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a store, and makes it when there is none, or brings what an earlier release made to today's layout. A file of
/// anybody else's stays as it is.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let explain = |error| errors::explain(path, error);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_handler(Some(wait_a_little(Instant::now()))).map_err(explain)?;
    // Plans do not depend on what is asked for. Otherwise SQLite would make one anew for each call of many a statement.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(explain)?;
    let state = look(path, &connection.transaction().map_err(explain)?)?;
    if connection.is_readonly(MAIN_DB).map_err(explain)? {
        return Err(errors::read_only(path));
    }
    write_ahead(path, &connection)?;
    if state != State::Ours {
        lay_out(path, &mut connection)?;
    }
    // As many as there are: those of runs with limits are many, and all on the way of one claim.
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

#[derive(PartialEq, Eq)]
enum State {
    Empty,
    /// Of the release before there were lanes, notes, cancelled runs, and pauses with reasons.
    Earlier,
    Ours,
}

/// Whose the file is. In a transaction, because another process may be making the store at this moment.
fn look(path: &Path, connection: &Transaction<'_>) -> Result<State> {
    let explain = |error| errors::explain(path, error);
    let number =
        |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0)).map_err(explain);
    let refuse =
        |reason: String| Err(errors::refused(path, reason, io::Error::from(io::ErrorKind::AlreadyExists)));
    let (application, layout) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(explain)?;
    match (application, layout) {
        (0, 0) if tables == 0 => Ok(State::Empty),
        (APPLICATION_ID, LAYOUT) => Ok(State::Ours),
        (APPLICATION_ID, 1) => Ok(State::Earlier),
        (APPLICATION_ID, newer) if newer > LAYOUT => refuse(format!(
            "a newer release of mosquito wrote it, in layout {newer}, and this one knows layouts up to {LAYOUT}; \
             use that release. It was left as it is"
        )),
        _ => refuse(
            "it is the database of another application; name another path. It was left as it is".into(),
        ),
    }
}

/// Lets readers and a writer work side by side, and makes a commit one append to one file.
fn write_ahead(path: &Path, connection: &Connection) -> Result<()> {
    let explain = |error| errors::explain(path, error);
    let started = Instant::now();
    let mode = loop {
        let set =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0));
        match set {
            // SQLite does not wait by itself here when another process does the same at this moment.
            Err(error) if errors::is_busy(&error) && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            mode => break mode.map_err(explain)?,
        }
    };
    if mode != "wal" {
        let reason =
            "its file system has no shared memory for a write-ahead log; put the file on a local disk";
        return Err(errors::refused(path, reason.into(), io::Error::from(io::ErrorKind::Unsupported)));
    }
    // Fewer and larger checkpoints: pages that change often are written into the file once.
    connection.pragma_update(None, "wal_autocheckpoint", 16_000).map_err(explain)?;
    // After a burst, the log shrinks again.
    connection.pragma_update(None, "journal_size_limit", 64 << 20).map_err(explain)?;
    connection.pragma_update(None, "cache_size", -16_384).map_err(explain)?;
    // What a call that fails would be undone by: otherwise a temporary file is written for each that changes a few dozen pages.
    connection.pragma_update(None, "temp_store", "memory").map_err(explain)
}

/// Makes the tables, or brings them up to date: wholly or not at all.
fn lay_out(path: &Path, connection: &mut Connection) -> Result<()> {
    let explain = |error| errors::explain(path, error);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    // Another process may have been faster.
    let tables = match look(path, &transaction)? {
        State::Empty => Some(include_str!("schema.sql")),
        State::Earlier => Some(include_str!("layout_2.sql")),
        State::Ours => None,
    };
    if let Some(tables) = tables {
        transaction.execute_batch(tables).map_err(explain)?;
        transaction.execute_batch(include_str!("flow.sql")).map_err(explain)?;
        transaction.execute_batch(include_str!("operators.sql")).map_err(explain)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(explain)?;
        transaction.pragma_update(None, "user_version", LAYOUT).map_err(explain)?;
    }
    transaction.commit().map_err(explain)
}

/// Waits for another process's lock, in small steps: SQLite's own timeout sleeps up to 100 ms, and would
/// miss the short gaps that a busy process leaves.
fn wait_a_little(mut since: Instant) -> impl FnMut(i32) -> bool + Send + 'static {
    move |tries| {
        if tries == 0 {
            since = Instant::now();
        }
        std::thread::sleep(Duration::from_micros(fastrand::u64(300..1_500)));
        since.elapsed() < PATIENCE
    }
}
