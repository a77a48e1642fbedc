//! What keeps queues from handing out runs: each its own pause, and that of everything.

use rusqlite::{Connection, Row};

use crate::backend::sqlite::Sqlite;
use crate::backend::sqlite::call::Kind;
use crate::backend::sqlite::queue::{Queue, queues, to_millis};
use crate::backend::sqlite::signals::{Ring, Rings, noting};
use crate::backend::{Pause, Paused, Scope};
use crate::clock::{Timestamp, from_millis};
use crate::error::Result;
use crate::name::QueueName;

/// A queue's own pause, and that of everything.
const BOTH: &str = "SELECT paused_since, paused_until, paused_reason, paused_author, 0 FROM queues WHERE name = ?1 AND paused
     UNION ALL SELECT since, until, reason, author, 1 FROM everything";

impl Sqlite {
    pub(super) async fn pause_all_of(&self, scope: &Scope, pause: &Pause) -> Result<()> {
        let (scope, pause, clock) = (scope.clone(), pause.clone(), self.clock.clone());
        self.thread
            .call(Kind::Keep, move |connection, rings| {
                Call { connection, rings, now: clock.now() }.pause(&scope, &pause)
            })
            .await
    }

    pub(super) async fn resume_all_of(&self, scope: &Scope) -> Result<()> {
        let (scope, clock) = (scope.clone(), self.clock.clone());
        self.thread
            .call(Kind::Keep, move |connection, rings| {
                Call { connection, rings, now: clock.now() }.resume(&scope)
            })
            .await
    }

    pub(super) async fn look_for_pause(&self, scope: &Scope) -> Result<Option<Paused>> {
        let Scope::Queue(queue) = scope else {
            let clock = self.clock.clone();
            return self
                .thread
                .call(Kind::Look, move |connection, _| everything(connection, clock.now()))
                .await;
        };
        self.look(queue, |queue| queue.paused()).await
    }
}

impl Queue<'_> {
    pub(super) fn paused(&self) -> rusqlite::Result<Option<Paused>> {
        let mut both = self.connection.prepare_cached(BOTH)?;
        let mut own_and_everything = (None, None);
        for paused in both.query_map([self.name.as_str()], read)? {
            let paused = Some(paused?).filter(|paused| paused.lasts(self.now));
            if let Some(everything) = paused.as_ref().map(|paused| paused.everything) {
                let kept = if everything { &mut own_and_everything.1 } else { &mut own_and_everything.0 };
                *kept = paused;
            }
        }
        Ok(Paused::longer(own_and_everything.0, own_and_everything.1))
    }

    fn pause(&self, paused: &Paused) -> rusqlite::Result<()> {
        let (since, until) = (paused.since.map(to_millis), paused.until.map(to_millis));
        self.execute(
            "INSERT INTO queues (name, paused, paused_since, paused_until, paused_reason, paused_author)
             VALUES (?1, 1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET paused = 1, paused_since = excluded.paused_since,
                 paused_until = excluded.paused_until, paused_reason = excluded.paused_reason,
                 paused_author = excluded.paused_author",
            (self.name.as_str(), since, until, &paused.reason, &paused.author),
        )?;
        Ok(())
    }

    fn resume(&self) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE queues SET paused = 0, paused_since = NULL, paused_until = NULL, paused_reason = NULL,
                 paused_author = NULL
             WHERE name = ?1 AND paused",
            [self.name.as_str()],
        )?;
        Ok(())
    }
}

/// The time of one call, and where it leaves its rings.
struct Call<'a> {
    connection: &'a Connection,
    rings: &'a mut Rings,
    now: Timestamp,
}

impl Call<'_> {
    fn pause(self, scope: &Scope, pause: &Pause) -> rusqlite::Result<()> {
        let paused = Paused::begin(pause, scope, self.now);
        match scope {
            Scope::Queue(name) => {
                let queue = Queue::within(self.connection, name, self.now);
                queue.pause(&paused)?;
            }
            Scope::Everything => self.pause_everything(&paused)?,
        }
        // Whoever waits there is to learn when to look again.
        if pause.duration().is_some() {
            let concerned = self.concerned(scope)?;
            let Self { rings, .. } = self;
            rings.extend(concerned.into_iter().map(Ring::Work));
        }
        Ok(())
    }

    fn resume(self, scope: &Scope) -> rusqlite::Result<()> {
        let concerned = self.concerned(scope)?;
        let Self { connection, rings, now } = self;
        if *scope == Scope::Everything {
            connection.prepare_cached("DELETE FROM everything")?.execute([])?;
        }
        for name in &concerned {
            noting(&Queue::within(connection, name, now), rings, |queue| match scope {
                Scope::Queue(_) => queue.resume(),
                Scope::Everything => Ok(()),
            })?;
        }
        Ok(())
    }

    fn pause_everything(&self, paused: &Paused) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO everything (only, since, until, reason, author) VALUES (1, ?1, ?2, ?3, ?4)",
        )?;
        let (since, until) = (paused.since.map(to_millis), paused.until.map(to_millis));
        insert.execute((since, until, &paused.reason, &paused.author)).map(drop)
    }

    fn concerned(&self, scope: &Scope) -> rusqlite::Result<Vec<QueueName>> {
        match scope {
            Scope::Queue(name) => Ok(vec![name.clone()]),
            Scope::Everything => queues(self.connection),
        }
    }
}

/// Whether everything is paused.
fn everything(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<Paused>> {
    let mut statement =
        connection.prepare_cached("SELECT since, until, reason, author, 1 FROM everything")?;
    let paused = statement.query_map([], read)?.next().transpose()?;
    Ok(paused.filter(|paused| paused.lasts(now)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Paused> {
    Ok(Paused {
        since: row.get::<_, Option<i64>>(0)?.map(from_millis),
        until: row.get::<_, Option<i64>>(1)?.map(from_millis),
        reason: row.get(2)?,
        author: row.get(3)?,
        everything: row.get(4)?,
    })
}
