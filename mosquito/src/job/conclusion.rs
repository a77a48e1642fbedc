//! What an attempt ended with: its outcome, and what its run remembers of it.

use std::time::Duration;

use crate::job::{JobError, Kind, Outcome};
use crate::job_run::HowEnded;

/// The end of an attempt.
#[derive(Debug)]
pub(crate) struct Conclusion {
    pub(crate) outcome: Outcome,
    /// How it ended, where it is used up by that.
    pub(crate) ended: HowEnded,
    /// The error and its sources.
    pub(crate) causes: Vec<String>,
}

impl Conclusion {
    /// A failure of the job's own: an error, a panic or a timeout.
    pub(crate) fn failure(error: &JobError, retry_after: Option<Duration>) -> Self {
        let ended = match &error.0 {
            Kind::Panicked(_) => HowEnded::Panicked,
            Kind::TimedOut(_) | Kind::DeadlineOver(_) => HowEnded::TimedOut,
            _ => HowEnded::Failed,
        };
        let outcome = Outcome::Failed { error: error.to_string(), retry_after };
        Self { outcome, ended, causes: error.causes() }
    }
}

impl From<Outcome> for Conclusion {
    fn from(outcome: Outcome) -> Self {
        let (ended, causes) = match &outcome {
            Outcome::GivenUp(reason) => (HowEnded::GivenUp, vec![reason.clone()]),
            Outcome::Undecodable(reason) => (HowEnded::Undecodable, vec![reason.clone()]),
            Outcome::Failed { error, .. } => (HowEnded::Failed, vec![error.clone()]),
            _ => (HowEnded::Failed, Vec::new()),
        };
        Self { outcome, ended, causes }
    }
}
