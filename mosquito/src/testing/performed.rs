//! What became of attempts.

use std::fmt;
use std::time::Duration;

use crate::backend::Fate;
use crate::clock::Timestamp;
use crate::job::Outcome;
use crate::name::{JobName, QueueName, RunId};
use crate::runners::Attempted;

/// One attempt, how it ended, and what becomes of its run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Performed {
    /// The job; nothing when the envelope could not be read.
    pub job: Option<JobName>,
    /// The queue that the run was claimed from.
    pub queue: QueueName,
    /// The run.
    pub id: RunId,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When it was made, by the store's clock.
    pub at: Timestamp,
    /// How long it took, by the machine's clock.
    pub took: Duration,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the run went.
    pub fate: Fate,
}

impl Performed {
    pub(super) fn of(attempted: Attempted) -> Self {
        let Attempted { queue, job, id, attempt, took, outcome, fate, at } = attempted;
        Self { job, queue, id, attempt, at, took, outcome, fate }
    }

    /// Whether the job answered `Ok`.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }

    /// What it failed of, or was given up or discarded for.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Failed { error, .. } => Some(error),
            Outcome::GivenUp(why) | Outcome::Discarded(why) | Outcome::Undecodable(why) => Some(why),
            _ => None,
        }
    }

    /// How long the run waits until it is tried again: what its policy says, in the middle of the jitter.
    #[must_use]
    pub fn again_in(&self) -> Option<Duration> {
        match self.fate {
            Fate::Reschedule { delay, .. } => Some(delay),
            _ => None,
        }
    }

    /// Whether the run went to `dead`.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.fate, Fate::Banish { .. })
    }

    pub(super) fn name(&self) -> &str {
        self.job.as_ref().map_or("?", JobName::as_str)
    }
}

impl fmt::Display for Performed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, attempt {}: {}; {}", self.name(), self.attempt, self.outcome, self.fate)
    }
}

/// What a drain did: each attempt counts once, by where its run went, and each run that was removed instead.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Drained {
    /// The job answered `Ok`.
    pub succeeded: usize,
    /// It failed, and is tried again.
    pub retried: usize,
    /// The run went to `dead`: attempts used up, given up, or arguments that do not decode.
    pub dead: usize,
    /// The job dropped the run.
    pub discarded: usize,
    /// The job put the run off.
    pub snoozed: usize,
    /// This process has no job of its name, or only an older version of it.
    pub unknown: usize,
    /// The run was removed unperformed, because it had waited longer than it was to.
    pub expired: usize,
    /// The attempts, in the order in which they were made.
    pub runs: Vec<Performed>,
}

impl Drained {
    /// The attempts at runs of a job, by its name.
    pub fn of<'a>(&'a self, job: &'a str) -> impl Iterator<Item = &'a Performed> {
        self.runs.iter().filter(move |run| run.name() == job)
    }

    /// Panics unless every attempt succeeded, with what became of the others.
    ///
    /// # Panics
    ///
    /// When an attempt failed, was put off, given up or discarded, or its job is unknown.
    #[track_caller]
    pub fn assert_succeeded(&self) {
        assert_succeeded(&self.runs);
    }

    pub(super) fn count(&mut self, run: Performed) {
        let counted = match (&run.outcome, &run.fate) {
            (Outcome::Succeeded, _) => &mut self.succeeded,
            (_, Fate::Banish { .. }) => &mut self.dead,
            (Outcome::Snoozed(_) | Outcome::Interrupted, _) => &mut self.snoozed,
            (Outcome::UnknownJob, _) => &mut self.unknown,
            (_, Fate::Forget) => &mut self.discarded,
            (_, Fate::Reschedule { .. } | Fate::HandBack) => &mut self.retried,
        };
        *counted += 1;
        self.runs.push(run);
    }
}

impl fmt::Display for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "succeeded {}", self.succeeded)?;
        for (count, what) in [
            (self.retried, "retried"),
            (self.dead, "dead"),
            (self.discarded, "discarded"),
            (self.snoozed, "snoozed"),
            (self.unknown, "unknown"),
            (self.expired, "expired"),
        ] {
            if count > 0 {
                write!(f, ", {what} {count}")?;
            }
        }
        Ok(())
    }
}

#[track_caller]
pub(super) fn assert_succeeded(runs: &[Performed]) {
    const MOST: usize = 20;
    let others: Vec<_> = runs.iter().filter(|run| !run.succeeded()).collect();
    let lines: String = others.iter().take(MOST).map(|run| format!("\n    {run}")).collect();
    let more = match others.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("\n    and {more} more"),
        _ => String::new(),
    };
    assert!(others.is_empty(), "{} of {} attempts did not succeed:{lines}{more}", others.len(), runs.len());
}
