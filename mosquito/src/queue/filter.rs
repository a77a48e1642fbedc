//! Which runs are meant.

use std::fmt;
use std::sync::Arc;

use crate::backend::{List, StoredRun};
use crate::clock::Timestamp;
use crate::job::Job;
use crate::job_run::Envelope;

/// Which runs of a queue are meant: all of them, unless more is said. What is said holds together.
///
/// ```
/// # use mosquito::{Context, JobResult, Perform, job};
/// # #[job(queue = "mail")] struct SendWelcome { user_id: u64 }
/// # impl Perform for SendWelcome { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// use mosquito::backend::List;
/// use mosquito::{Filter, serde_json};
///
/// let of_user_7 = Filter::new().job::<SendWelcome>().list(List::Scheduled).matching(|run| {
///     serde_json::from_str::<SendWelcome>(run.args.get()).is_ok_and(|welcome| welcome.user_id == 7)
/// });
/// ```
#[derive(Clone, Default)]
#[must_use = "a filter does nothing by itself"]
pub struct Filter {
    jobs: Vec<String>,
    list: Option<List>,
    enqueued_before: Option<Timestamp>,
    matching: Option<Matches>,
}

type Matches = Arc<dyn Fn(&Envelope) -> bool + Send + Sync>;

impl Filter {
    /// All runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs of this job, also those under a name that it had before. Of several jobs, when it is said again.
    pub fn job<J: Job>(mut self) -> Self {
        let names = std::iter::once(&J::SPEC.name).chain(J::SPEC.aliases);
        self.jobs.extend(names.map(|name| (*name).to_owned()));
        self
    }

    /// Runs of a job that is not linked into this process, by the name under which they are stored. Of several jobs, when
    /// it is said again.
    pub fn job_named(mut self, name: impl Into<String>) -> Self {
        self.jobs.push(name.into());
        self
    }

    /// Runs in this list.
    pub fn list(mut self, list: List) -> Self {
        self.list = Some(list);
        self
    }

    /// Runs that were enqueued before this time, by the store's clock.
    pub fn enqueued_before(mut self, time: Timestamp) -> Self {
        self.enqueued_before = Some(time);
        self
    }

    /// Runs for which this answers `true`. It is asked in the calling process, for each run that all else holds for, so it
    /// should be quick.
    pub fn matching(mut self, matches: impl Fn(&Envelope) -> bool + Send + Sync + 'static) -> Self {
        self.matching = Some(Arc::new(matches));
        self
    }

    pub(super) fn includes(&self, list: List) -> bool {
        self.list.is_none_or(|only| only == list)
    }

    /// Whether a run is meant. Of one whose envelope cannot be read nothing is known, so it is only where nothing is asked.
    pub(super) fn takes(&self, run: &StoredRun) -> bool {
        let Self { jobs, list: _, enqueued_before, matching } = self;
        if jobs.is_empty() && enqueued_before.is_none() && matching.is_none() {
            return true;
        }
        Envelope::read(&run.envelope).is_ok_and(|envelope| {
            (jobs.is_empty() || jobs.iter().any(|job| job == envelope.job.as_str()))
                && enqueued_before.is_none_or(|time| envelope.enqueued_at < time)
                && matching.as_ref().is_none_or(|matches| matches(&envelope))
        })
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("jobs", &self.jobs)
            .field("list", &self.list)
            .field("enqueued_before", &self.enqueued_before)
            .field("matching", &self.matching.is_some())
            .finish()
    }
}
