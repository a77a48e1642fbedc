//! One queue within a transaction: how it stands, and how its rows are read.

use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::backend::sqlite::seen::Seen;
use crate::backend::{List, Sizes, StoredRun};
use crate::clock::{Timestamp, from_millis};
use crate::job_run::{History, log_of_text};
use crate::name::{NameError, QueueName, RunId};

pub(super) struct Queue<'a> {
    pub(super) connection: &'a Connection,
    pub(super) name: &'a QueueName,
    /// The time of the call, read once.
    pub(super) now: Timestamp,
    /// What of its flows was looked up in this call.
    pub(super) seen: Seen,
}

impl<'a> Queue<'a> {
    pub(super) fn within(connection: &'a Connection, name: &'a QueueName, now: Timestamp) -> Self {
        Self { connection, name, now, seen: Seen::default() }
    }
}

impl Queue<'_> {
    /// Whether anything can be claimed now. What a limit holds up cannot.
    pub(super) fn has_work(&self) -> rusqlite::Result<bool> {
        let ready = self.first_row(READY, [self.name.as_str()], |_| Ok(()))?;
        Ok(ready.is_some() && self.paused()?.is_none())
    }

    /// When the first scheduled run is due, the first lane may be claimed from again, or the first pause of a job ends.
    pub(super) fn first_due(&self) -> rusqlite::Result<Option<i64>> {
        let times: [Option<i64>; 3] = self
            .connection
            .prepare_cached(FIRST_DUE)?
            .query_row([self.name.as_str()], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?;
        Ok(times.into_iter().flatten().min())
    }

    pub(super) fn sizes(&self) -> rusqlite::Result<Sizes> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT list, count(*) FROM runs WHERE queue = ?1 GROUP BY list")?;
        let mut rows = statement.query([self.name.as_str()])?;
        let mut sizes = Sizes::default();
        while let Some(row) = rows.next()? {
            let size = usize::try_from(row.get::<_, i64>(1)?).expect("a count is not negative");
            match list(row, 0)? {
                List::Waiting => sizes.waiting = size,
                List::Pending => sizes.pending = size,
                List::Scheduled => sizes.scheduled = size,
                List::Dead => sizes.dead = size,
            }
        }
        Ok(sizes)
    }

    pub(super) fn page(&self, list: List, offset: usize, at_most: usize) -> rusqlite::Result<Vec<StoredRun>> {
        let mut statement = self.connection.prepare_cached(PAGE)?;
        let (at_most, offset) = (count(at_most), count(offset));
        statement.query_map((self.name.as_str(), word(list), at_most, offset), stored_run)?.collect()
    }

    pub(super) fn find(&self, id: &RunId) -> rusqlite::Result<Option<StoredRun>> {
        self.first_row(
            "SELECT id, attempts, crashes, error, envelope, list, overseer, rank, claimed_at, unknown, log FROM runs
             WHERE queue = ?1 AND id = ?2",
            (self.name.as_str(), id.as_str()),
            stored_run,
        )
    }

    pub(super) fn now_millis(&self) -> i64 {
        self.now.timestamp_millis()
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(params)
    }

    pub(super) fn first_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(sql)?.query_row(params, read).optional()
    }
}

/// The second line is most of all looks there are: plain runs wait. The others need not be asked for where there are no others.
pub(super) const READY: &str = "
    SELECT 1 WHERE
        EXISTS (SELECT 1 FROM runs WHERE queue = ?1 AND list = 'waiting' AND lane IS NULL)
        OR EXISTS (SELECT 1 FROM queues WHERE name = ?1 AND turns IS NOT NULL) AND (
            EXISTS (SELECT 1 FROM lanes WHERE queue = ?1 AND level >= 0)
            OR EXISTS (SELECT 1 FROM runs WHERE queue = ?1 AND list = 'waiting'
                AND lane IN ('0', '1', '2', '3', '4', '6', '7', '8', '9')))";

pub(super) const FIRST_DUE: &str = "
    SELECT
        (SELECT rank FROM runs
         WHERE queue = ?1 AND list = 'scheduled' AND lane IS NULL AND overseer IS NULL AND ticket IS NULL
         ORDER BY rank LIMIT 1),
        (SELECT blocked_until FROM lanes
         WHERE queue = ?1 AND level IS NULL AND blocked_until IS NOT NULL
         ORDER BY blocked_until LIMIT 1),
        (SELECT min(until) FROM paused_jobs WHERE queue = ?1)";

/// What waits: plain runs first, and then lane by lane.
pub(super) const PAGE: &str = "
    SELECT id, attempts, crashes, error, envelope, list, overseer, rank, claimed_at, unknown, log FROM runs
    WHERE queue = ?1 AND list = ?2 ORDER BY lane, overseer, ticket, rank, id LIMIT ?3 OFFSET ?4";

/// The queues that were ever used, in the order of their names.
pub(super) fn queues(connection: &Connection) -> rusqlite::Result<Vec<QueueName>> {
    let mut statement = connection.prepare_cached("SELECT name FROM queues WHERE used ORDER BY name")?;
    statement.query_map([], |row| name(row, 0))?.collect()
}

fn stored_run(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let list = list(row, 5)?;
    let at: Option<i64> = match list {
        List::Waiting => None,
        List::Pending => row.get(8)?,
        List::Scheduled | List::Dead => row.get(7)?,
    };
    let overseer = if list == List::Pending { Some(name(row, 6)?) } else { None };
    Ok(StoredRun {
        id: name(row, 0)?,
        list,
        at: at.map(from_millis),
        overseer,
        envelope: envelope(row)?,
        history: history(row)?,
    })
}

/// The history in a row that begins with id, attempts, crashes, error, and has unknown and log.
pub(super) fn history(row: &Row<'_>) -> rusqlite::Result<History> {
    Ok(History {
        attempts: row.get(1)?,
        crashes: row.get(2)?,
        unknown: row.get("unknown")?,
        error: row.get(3)?,
        log: row.get::<_, Option<String>>("log")?.map_or(Vec::new(), |log| log_of_text(&log)),
    })
}

/// The envelope in a row that begins with id, attempts, crashes, error, envelope.
pub(super) fn envelope(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    row.get_ref(4)?.as_bytes().map(<[u8]>::to_vec).map_err(|why| garbled(4, why))
}

pub(super) fn name<N: FromStr<Err = NameError>>(row: &Row<'_>, column: usize) -> rusqlite::Result<N> {
    let text = row.get_ref(column)?.as_str().map_err(|why| garbled(column, why))?;
    text.parse().map_err(|why: NameError| garbled(column, why))
}

pub(super) fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<List> {
    let found = row.get_ref(column)?.as_str().map_err(|why| garbled(column, why))?;
    let list = List::ALL.into_iter().find(|list| word(*list) == found);
    list.ok_or_else(|| garbled(column, format!("`{found}` is not a list")))
}

fn word(list: List) -> &'static str {
    match list {
        List::Waiting => "waiting",
        List::Pending => "pending",
        List::Scheduled => "scheduled",
        List::Dead => "dead",
    }
}

pub(super) fn garbled(
    column: usize,
    why: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}

/// A number of rows, as SQLite counts them.
pub(super) fn count(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A time in milliseconds: never before it, so that nothing comes early.
pub(super) fn to_millis(time: Timestamp) -> i64 {
    let millis = time.timestamp_millis();
    if from_millis(millis) < time { millis + 1 } else { millis }
}
