//! What becomes of a run: the one place that knows.
//!
//! An attempt ends with an [`Outcome`]; [`decide`] turns it into the run's [`Fate`] and nothing else does.

use std::any::Any;
use std::time::Duration;

use crate::backend::Fate;
use crate::error::BoxError;
use crate::job::Retry;
use crate::job_run::History;

/// What `perform` answers.
pub type JobResult = Result<(), JobError>;

/// Why an attempt did not succeed, and what its job wants done about it.
///
/// Any error becomes one by `?`, and is retried as the job's policy says. The other kinds are made by
/// the functions below.
///
/// ```
/// use std::time::Duration;
/// use mosquito::{JobError, JobResult};
///
/// fn charge(balance: &str) -> JobResult {
///     let cents: i64 = balance.parse()?; // retried
///     match cents {
///         0 => Err(JobError::discard("nothing to charge")),
///         1..100 => Err(JobError::snooze(Duration::from_secs(3600))),
///         _ => Ok(()),
///     }
/// }
/// # assert!(charge("0").is_err());
/// ```
#[derive(Debug)]
pub struct JobError(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Failed(BoxError),
    RetryIn(Duration, Option<BoxError>),
    Dead(String),
    Discard(String),
    Snooze(Duration),
    Panicked(String),
    TimedOut(Duration),
    /// The time for all attempts together is over.
    DeadlineOver(Duration),
}

impl JobError {
    /// Tries again after `delay` instead of the policy's wait. The attempt counts.
    #[must_use]
    pub fn retry_in(delay: Duration) -> Self {
        Self(Kind::RetryIn(delay, None))
    }

    /// Tries again after `delay` because of an error. The attempt counts.
    #[must_use]
    pub fn retry_in_because(delay: Duration, error: impl Into<BoxError>) -> Self {
        Self(Kind::RetryIn(delay, Some(error.into())))
    }

    /// Gives the run up: it goes to `dead`, for somebody to look at.
    #[must_use]
    pub fn dead(reason: impl Into<String>) -> Self {
        Self(Kind::Dead(reason.into()))
    }

    /// Drops the run: it is gone, and counted as discarded.
    #[must_use]
    pub fn discard(reason: impl Into<String>) -> Self {
        Self(Kind::Discard(reason.into()))
    }

    /// Puts the run off by `delay`. The attempt is given back.
    #[must_use]
    pub fn snooze(delay: Duration) -> Self {
        Self(Kind::Snooze(delay))
    }

    /// Whether the attempt ended in a panic.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.0, Kind::Panicked(_))
    }

    /// Whether the attempt took longer than the job's `timeout`, or its `deadline` is over.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.0, Kind::TimedOut(_) | Kind::DeadlineOver(_))
    }

    /// What it says and what each of its sources says, the outermost first.
    pub(crate) fn causes(&self) -> Vec<String> {
        let (Kind::Failed(error) | Kind::RetryIn(_, Some(error))) = &self.0 else {
            return vec![self.to_string()];
        };
        let sources = std::iter::successors(error.source(), |cause| cause.source());
        std::iter::once(error.to_string()).chain(sources.map(ToString::to_string)).collect()
    }

    /// The error of this type that `perform` failed of.
    #[must_use]
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0 {
            Kind::Failed(error) | Kind::RetryIn(_, Some(error)) => error.downcast_ref(),
            _ => None,
        }
    }
}

impl<E: Into<BoxError>> From<E> for JobError {
    fn from(error: E) -> Self {
        Self(Kind::Failed(error.into()))
    }
}

impl std::fmt::Display for JobError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Failed(error) | Kind::RetryIn(_, Some(error)) => {
                write!(f, "{error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Kind::RetryIn(delay, None) => write!(f, "asked to be tried again in {delay:?}"),
            Kind::Dead(reason) | Kind::Discard(reason) => f.write_str(reason),
            Kind::Snooze(delay) => write!(f, "snoozed for {delay:?}"),
            Kind::Panicked(message) => write!(f, "panicked: {message}"),
            Kind::TimedOut(limit) => write!(f, "timed out after {limit:?}"),
            Kind::DeadlineOver(deadline) => write!(f, "its deadline of {deadline:?} is over"),
        }
    }
}

/// What a panic said. Dropping what it said may panic again: that ends the executor, and the pool replaces it.
pub(crate) fn panic_message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "without a message".into(), |text| (*text).into())
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// `perform` answered `Ok`.
    Succeeded,
    /// It failed, panicked or timed out: retried by the policy, or after `retry_after` when the job says so.
    Failed {
        /// What of.
        error: String,
        /// The wait that the job asked for instead of the policy's.
        retry_after: Option<Duration>,
    },
    /// The job gave the run up.
    GivenUp(String),
    /// The job dropped the run.
    Discarded(String),
    /// The job put the run off.
    Snoozed(Duration),
    /// Somebody cancelled the run.
    Cancelled,
    /// The arguments, or the whole envelope, cannot be read.
    Undecodable(String),
    /// No job of that name is linked into this process, or only an older version of it.
    UnknownJob,
    /// The process stopped before the attempt came to its end.
    Interrupted,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Succeeded => f.write_str("succeeded"),
            Self::Failed { error, .. } => write!(f, "failed: {error}"),
            Self::GivenUp(reason) => write!(f, "given up: {reason}"),
            Self::Discarded(reason) => write!(f, "discarded: {reason}"),
            Self::Snoozed(delay) => write!(f, "snoozed for {delay:?}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Undecodable(reason) => f.write_str(reason),
            Self::UnknownJob => f.write_str("its job is unknown here"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// How long a run of an unknown job waits for a process that knows it, before it is offered again.
pub(crate) const UNKNOWN_JOB_WAIT: Duration = Duration::from_secs(30);

/// How often in a row it is offered to processes that do not know it before it is given up: for seven days.
pub(crate) const UNKNOWN_JOB_OFFERS: u32 = 7 * 86_400 / 30;

/// How long the attempts at a run may take, all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// From when the first attempt began that was used up.
    pub total: Duration,
    /// From the end of this attempt.
    pub left: Duration,
}

/// Decides where a run goes. `history` is that of the attempts before this one, `deadline` that of its job, if it has one,
/// `chance` a random number from 0 to 1.
#[must_use]
pub fn decide(
    outcome: &Outcome,
    history: &History,
    retry: &Retry,
    deadline: Option<Deadline>,
    chance: f64,
) -> Fate {
    let attempt = history.attempts + 1;
    let too_late = |delay: Duration| deadline.filter(|deadline| delay >= deadline.left);
    match outcome {
        Outcome::Succeeded | Outcome::Discarded(_) | Outcome::Cancelled => Fate::Forget,
        Outcome::Failed { error, .. } if attempt >= retry.attempts => {
            Fate::Banish { history: history.failed(error) }
        }
        Outcome::Failed { error, retry_after } => {
            let delay = retry_after.unwrap_or_else(|| retry.wait(attempt, chance));
            match too_late(delay) {
                None => Fate::Reschedule { delay, history: history.failed(error) },
                Some(deadline) => Fate::Banish { history: history.failed(&deadline.passed_by(error)) },
            }
        }
        Outcome::GivenUp(reason) | Outcome::Undecodable(reason) => {
            Fate::Banish { history: history.failed(reason) }
        }
        // Its time counts from its first attempt that was used up.
        Outcome::Snoozed(delay) if history.attempts > 0 && too_late(*delay).is_some() => {
            let passed = too_late(*delay).map(|deadline| deadline.passed_by("it put itself off"));
            Fate::Banish { history: History { error: passed, ..history.clone() } }
        }
        Outcome::Snoozed(delay) => Fate::Reschedule { delay: *delay, history: history.clone() },
        Outcome::UnknownJob if history.unknown + 1 >= UNKNOWN_JOB_OFFERS => {
            let error = "no process that knows this job has been seen for days".to_owned();
            Fate::Banish { history: History { error: Some(error), ..history.clone() } }
        }
        Outcome::UnknownJob => Fate::Reschedule {
            delay: UNKNOWN_JOB_WAIT,
            history: History { unknown: history.unknown + 1, ..history.clone() },
        },
        Outcome::Interrupted => Fate::HandBack,
    }
}

impl Deadline {
    /// Why there is no next attempt, behind what became of this one.
    fn passed_by(self, error: &str) -> String {
        let Self { total, left } = self;
        match left.is_zero() {
            true => error.to_owned(),
            false => {
                format!("{error}; given up, since its deadline of {total:?} comes before its next attempt")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Deadline, JobError, Outcome, UNKNOWN_JOB_OFFERS, UNKNOWN_JOB_WAIT, decide};
    use crate::backend::Fate;
    use crate::job::{Backoff, Retry};
    use crate::job_run::History;

    const SECOND: Duration = Duration::from_secs(1);
    const RETRY: Retry = Retry { attempts: 3, backoff: Backoff::Fixed(SECOND), jitter: 0.5 };

    fn after(attempts: u32, error: Option<&str>) -> History {
        History { attempts, crashes: 1, error: error.map(Into::into), ..History::default() }
    }

    #[test]
    fn every_outcome_has_its_fate() {
        let failed = |retry_after| Outcome::Failed { error: "no".into(), retry_after };
        let reschedule = |delay, history| Fate::Reschedule { delay, history };
        let banish = |history| Fate::Banish { history };
        #[rustfmt::skip]
        let table = [
            // outcome                             attempts before  fate
            (Outcome::Succeeded,                     0, Fate::Forget),
            (Outcome::Discarded("old".into()),       0, Fate::Forget),
            (Outcome::Cancelled,                     0, Fate::Forget),
            (failed(None),                           0, reschedule(SECOND, after(1, Some("no")))),
            (failed(None),                           1, reschedule(SECOND, after(2, Some("no")))),
            (failed(None),                           2, banish(after(3, Some("no")))),
            (failed(None),                           9, banish(after(10, Some("no")))),
            (failed(Some(7 * SECOND)),               0, reschedule(7 * SECOND, after(1, Some("no")))),
            (failed(Some(7 * SECOND)),               2, banish(after(3, Some("no")))),
            (Outcome::GivenUp("why".into()),         0, banish(after(1, Some("why")))),
            (Outcome::Undecodable("where".into()),   0, banish(after(1, Some("where")))),
            (Outcome::Snoozed(5 * SECOND),           2, reschedule(5 * SECOND, after(2, None))),
            (Outcome::Interrupted,                   2, Fate::HandBack),
        ];

        for (outcome, attempts, fate) in table {
            assert_eq!(decide(&outcome, &after(attempts, None), &RETRY, None, 0.5), fate, "{outcome:?}");
        }
    }

    #[test]
    fn an_unknown_job_is_offered_for_days_and_costs_no_attempt() {
        let before = |unknown| History { unknown, ..after(2, None) };
        let decided = |unknown| decide(&Outcome::UnknownJob, &before(unknown), &RETRY, None, 0.5);

        let again = |unknown| Fate::Reschedule { delay: UNKNOWN_JOB_WAIT, history: before(unknown) };
        assert_eq!(decided(0), again(1));
        assert_eq!(decided(UNKNOWN_JOB_OFFERS - 2), again(UNKNOWN_JOB_OFFERS - 1));
        let Fate::Banish { history } = decided(UNKNOWN_JOB_OFFERS - 1) else { panic!("it is given up") };
        assert_eq!(history.attempts, 2);
        assert!(history.error.is_some_and(|error| error.contains("no process that knows this job")));
        assert_eq!(before(9).failed("no").unknown, 0, "an attempt in between begins anew");
    }

    #[test]
    fn a_run_whose_next_attempt_would_come_after_its_deadline_is_dead() {
        let decided = |outcome, attempts, left| {
            let deadline = Some(Deadline { total: 60 * SECOND, left });
            match decide(&outcome, &after(attempts, None), &RETRY, deadline, 0.5) {
                Fate::Banish { history } => (history.attempts, history.error.unwrap_or_default()),
                fate => (u32::MAX, fate.to_string()),
            }
        };
        let failed = |retry_after| Outcome::Failed { error: "no".into(), retry_after };
        let (scheduled, passed) =
            (u32::MAX, "; given up, since its deadline of 60s comes before its next attempt");

        assert_eq!(decided(failed(None), 0, 2 * SECOND), (scheduled, "scheduled in 1s".into()));
        assert_eq!(decided(failed(None), 0, SECOND), (1, format!("no{passed}")));
        assert_eq!(decided(failed(None), 0, Duration::ZERO), (1, "no".into()), "it says so by itself");
        assert_eq!(decided(failed(Some(7 * SECOND)), 0, 5 * SECOND).0, 1);
        assert_eq!(decided(Outcome::Snoozed(9 * SECOND), 0, SECOND).0, scheduled, "nothing has begun");
        let snoozed = decided(Outcome::Snoozed(9 * SECOND), 1, SECOND);
        assert_eq!(snoozed, (1, format!("it put itself off{passed}")), "no attempt is used up");
        assert_eq!(decided(Outcome::UnknownJob, 1, SECOND).0, scheduled, "not known here");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("mail not sent")]
        struct Outer(#[source] std::num::ParseIntError);

        let error = JobError::from(Outer("x".parse::<u8>().unwrap_err()));

        assert_eq!(error.to_string(), "mail not sent: invalid digit found in string");
        assert_eq!(error.causes(), ["mail not sent", "invalid digit found in string"]);
        assert!(error.downcast_ref::<Outer>().is_some());
    }
}
