//! What overseers tell of themselves in the store, for whoever operates a fleet.
//!
//! Each has a note under its id, which it writes anew every 5 s while it is busy, every 20 s while it is idle, and removes when it stops. One that died leaves its note
//! behind: it counts for nothing once it is [old](roll::FADES), by the store's clock, and whoever comes by removes it.

pub(crate) mod roll;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{self, Timestamp};
use crate::error::Result;
use crate::name::{JobName, OverseerId, OverseerName, QueueName, RunId};

/// The most queues, and the most runs, that a report names.
pub(crate) const MOST: usize = 100;

/// One process that performs jobs, as it told of itself last; see [`Mosquito::overseers`](crate::Mosquito::overseers).
///
/// All times are by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OverseerReport {
    /// Its id, another one after each start.
    pub id: OverseerId,
    /// How operators [address](crate::RunnerBuilder::name) it, if they do.
    pub name: Option<OverseerName>,
    /// The name of its machine.
    pub host: String,
    /// The number of its process there.
    pub pid: u32,
    /// The version of mosquito that it was built with.
    pub version: String,
    /// When it began to work.
    pub started_at: Timestamp,
    /// When it told this.
    pub seen_at: Timestamp,
    /// How long ago that was when it was asked for: usually less than 6 s, less than 30 s when it is idle, and never more than 50 s.
    pub silence: Duration,
    /// Whether it was told to stop, and performs what it has begun.
    pub stopping: bool,
    /// The queues it works on, the first 100 by name.
    pub queues: Vec<QueueName>,
    /// How many executors it has.
    pub executors: usize,
    /// How many of them were busy.
    pub busy: usize,
    /// What those perform, the 100 that had been at it for the longest.
    pub performing: Vec<Performing>,
}

/// What one executor performs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Performing {
    /// The job.
    pub job: JobName,
    /// The run.
    pub run: RunId,
    /// Its queue.
    pub queue: QueueName,
    /// Which attempt it is; the first is 1.
    pub attempt: u32,
    /// When the run was claimed.
    pub since: Timestamp,
}

impl Performing {
    pub(crate) fn new(job: JobName, run: RunId, queue: QueueName, attempt: u32, since: Timestamp) -> Self {
        Self { job, run, queue, attempt, since }
    }
}

impl OverseerReport {
    /// What this process tells of one of its overseers.
    pub(crate) fn of_this_process(id: OverseerId, started_at: Timestamp, now: Timestamp) -> Self {
        Self {
            id,
            name: None,
            host: crate::job_run::cut_to(255, gethostname::gethostname().to_string_lossy().into_owned()),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").into(),
            started_at,
            seen_at: now,
            silence: Duration::ZERO,
            stopping: false,
            queues: Vec::new(),
            executors: 0,
            busy: 0,
            performing: Vec::new(),
        }
    }

    fn to_note(&self) -> String {
        let note = Note {
            name: self.name.as_ref().map(ToString::to_string),
            host: self.host.clone(),
            pid: self.pid,
            version: self.version.clone(),
            started: self.started_at.timestamp_millis(),
            seen: self.seen_at.timestamp_millis(),
            stopping: self.stopping,
            queues: self.queues.iter().take(MOST).map(ToString::to_string).collect(),
            executors: self.executors,
            busy: self.busy,
            performing: self.performing.iter().take(MOST).map(NotedRun::of).collect(),
        };
        serde_json::to_string(&note).expect("numbers and text serialize")
    }

    /// What a note says, as long as this release can read it.
    fn of_note(id: &str, note: &str, now: Timestamp) -> Option<Self> {
        let note: Note = serde_json::from_str(note).ok()?;
        let seen_at = clock::from_millis(note.seen);
        Some(Self {
            id: OverseerId::new(id).ok()?,
            name: note.name.map(OverseerName::new).transpose().ok()?,
            host: note.host,
            pid: note.pid,
            version: note.version,
            started_at: clock::from_millis(note.started),
            seen_at,
            silence: (now - seen_at).to_std().unwrap_or_default(),
            stopping: note.stopping,
            queues: note.queues.iter().map(QueueName::new).collect::<Result<_, _>>().ok()?,
            executors: note.executors,
            busy: note.busy,
            performing: note.performing.iter().map(NotedRun::read).collect::<Option<_>>()?,
        })
    }
}

/// A report as it stands in the store; times in ms.
#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    host: String,
    pid: u32,
    version: String,
    started: i64,
    seen: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stopping: bool,
    queues: Vec<String>,
    executors: usize,
    busy: usize,
    performing: Vec<NotedRun>,
}

#[derive(Serialize, Deserialize)]
struct NotedRun {
    job: String,
    run: String,
    queue: String,
    n: u32,
    since: i64,
}

impl NotedRun {
    fn of(performing: &Performing) -> Self {
        Self {
            job: performing.job.to_string(),
            run: performing.run.to_string(),
            queue: performing.queue.to_string(),
            n: performing.attempt,
            since: performing.since.timestamp_millis(),
        }
    }

    fn read(&self) -> Option<Performing> {
        Some(Performing {
            job: JobName::new(&self.job).ok()?,
            run: RunId::new(&self.run).ok()?,
            queue: QueueName::new(&self.queue).ok()?,
            attempt: self.n,
            since: clock::from_millis(self.since),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{OverseerReport, Performing};
    use crate::clock::{Timestamp, from_millis};
    use crate::name::{JobName, OverseerId, OverseerName, QueueName, RunId};

    fn report() -> OverseerReport {
        let mail = QueueName::new("mail").unwrap();
        let (job, run) = (JobName::new("send").unwrap(), RunId::new("a").unwrap());
        let performing = Performing::new(job, run, mail.clone(), 2, from_millis(1_500));
        OverseerReport {
            id: OverseerId::new("ann").unwrap(),
            name: Some(OverseerName::new("mail-1").unwrap()),
            host: "host \"7\"".into(),
            pid: 4,
            version: "0.1.0".into(),
            started_at: from_millis(1_000),
            seen_at: from_millis(2_000),
            silence: Duration::ZERO,
            stopping: false,
            queues: vec![mail],
            executors: 10,
            busy: 1,
            performing: vec![performing],
        }
    }

    #[test]
    fn a_report_reads_as_it_was_written() {
        let written = report().to_note();

        assert_eq!(
            written,
            concat!(
                r#"{"name":"mail-1","host":"host \"7\"","pid":4,"version":"0.1.0","started":1000,"seen":2000,"#,
                r#""queues":["mail"],"executors":10,"busy":1,"#,
                r#""performing":[{"job":"send","run":"a","queue":"mail","n":2,"since":1500}]}"#
            )
        );
        let read = OverseerReport::of_note("ann", &written, from_millis(5_000)).unwrap();
        assert_eq!(read, OverseerReport { silence: Duration::from_secs(3), ..report() });
    }

    #[test]
    fn what_another_release_adds_is_passed_over_and_what_nobody_understands_is_left_out() {
        let read = |id: &str, note: &str| OverseerReport::of_note(id, note, Timestamp::UNIX_EPOCH);
        let note = report().to_note();

        assert!(read("ann", &note.replacen('{', r#"{"mood":"good","#, 1)).is_some());
        assert!(read("a b", &note).is_none(), "no overseer has that id");
        for strange in ["", "null", "{}", "[]", &note.replace("\"mail\"", "\"{mail}\"")] {
            assert!(read("ann", strange).is_none(), "{strange}");
        }
    }

    #[test]
    fn however_much_there_is_a_note_stays_small() {
        let mut report = report();
        report.queues = vec![QueueName::new("q".repeat(128)).unwrap(); 5_000];
        report.performing = vec![report.performing[0].clone(); 5_000];

        assert!(report.to_note().len() < 64 * 1024);
    }
}
