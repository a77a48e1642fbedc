//! What keeps queues from handing out runs: each its own pause, those of jobs, and that of everything.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use crate::backend::lanes::{LANES_PER_CALL, wake_resumed};

use crate::backend::sqlite::Sqlite;
use crate::backend::sqlite::call::Kind;
use crate::backend::sqlite::lanes::Lanes;
use crate::backend::sqlite::queue::{Queue, name, queues, to_millis};
use crate::backend::sqlite::signals::{Ring, Rings, noting};
use crate::backend::{Pause, Paused, Scope};
use crate::clock::{Timestamp, from_millis};
use crate::error::Result;
use crate::name::{JobName, QueueName};

/// A queue's own pause, and that of everything.
const BOTH: &str = "SELECT paused_since, paused_until, paused_reason, paused_author, 0 FROM queues WHERE name = ?1 AND paused
     UNION ALL SELECT since, until, reason, author, 1 FROM everything";

pub(super) const PAUSED_JOBS: &str = "SELECT since, until, reason, author, 0, job FROM paused_jobs
     WHERE queue = ?1 AND (until IS NULL OR ?2 < until)";

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
        match scope {
            Scope::Queue(queue) => self.look(queue, |queue| queue.paused()).await,
            Scope::Job(queue, job) => Ok(self.look(queue, |queue| queue.paused_jobs()).await?.remove(job)),
            Scope::Everything => {
                let clock = self.clock.clone();
                self.thread.call(Kind::Look, move |connection, _| everything(connection, clock.now())).await
            }
        }
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

    pub(super) fn paused_jobs(&self) -> rusqlite::Result<BTreeMap<JobName, Paused>> {
        let mut jobs = self.connection.prepare_cached(PAUSED_JOBS)?;
        let jobs = jobs.query_map((self.name.as_str(), self.now_millis()), |row| {
            Ok((name::<JobName>(row, 5)?, read(row)?))
        })?;
        jobs.collect()
    }

    /// Whether the runs of a job are put aside, or nothing is handed out at all.
    pub(super) fn is_job_paused(&self, job: &JobName) -> rusqlite::Result<bool> {
        Ok(self.paused()?.is_some() || self.paused_jobs()?.contains_key(job))
    }

    /// From then on the queue has turns: what is put aside stands in a lane.
    fn pause_job(&self, job: &JobName, paused: &Paused) -> rusqlite::Result<()> {
        self.execute("INSERT INTO queues (name) VALUES (?1) ON CONFLICT DO NOTHING", [self.name.as_str()])?;
        self.note_flows()?;
        let (since, until) = (paused.since.map(to_millis), paused.until.map(to_millis));
        self.execute(
            "INSERT OR REPLACE INTO paused_jobs (queue, job, since, until, reason, author)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (self.name.as_str(), job.as_str(), since, until, &paused.reason, &paused.author),
        )?;
        Ok(())
    }

    fn resume_job(&self, job: &JobName) -> rusqlite::Result<()> {
        let now = self.now_millis();
        let was_paused = self.execute(
            "UPDATE paused_jobs SET until = ?3 WHERE queue = ?1 AND job = ?2",
            (self.name.as_str(), job.as_str(), now),
        )?;
        if was_paused > 0 {
            wake_resumed(&mut Lanes::of(self), now, LANES_PER_CALL)?;
        }
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
            Scope::Job(name, job) => {
                let queue = Queue::within(self.connection, name, self.now);
                return noting(&queue, self.rings, |queue| queue.pause_job(job, &paused));
            }
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
                Scope::Job(_, job) => queue.resume_job(job),
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
            Scope::Queue(name) | Scope::Job(name, _) => Ok(vec![name.clone()]),
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
