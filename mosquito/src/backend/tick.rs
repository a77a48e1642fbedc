//! The ticks of periodic jobs.

use crate::clock::Timestamp;
use crate::job_run::NewRun;
use crate::name::{JobName, RunId};

/// Where a periodic job's schedule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastTick {
    /// The tick it was last advanced to.
    pub at: Timestamp,
    /// The backend's time.
    pub now: Timestamp,
}

/// One tick of a periodic job.
#[derive(Clone, Debug)]
pub struct Tick {
    /// The job.
    pub job: JobName,
    /// The moment in the schedule.
    pub at: Timestamp,
    /// The run to enqueue; none to pass over the tick.
    pub run: Option<NewRun>,
    /// What to do when the run of an earlier tick is not finished.
    pub overlap: Overlap,
}

/// What a periodic job does at a tick while the run of an earlier tick is unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Overlap {
    /// It lets the tick pass.
    #[default]
    Skip,
    /// It enqueues the tick's run beside the unfinished one.
    Allow,
}

/// The answer to a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ticked {
    /// The schedule advanced and the run was enqueued.
    Enqueued(RunId),
    /// The schedule advanced; no run was enqueued, because an earlier one is unfinished or none was given.
    Passed,
    /// Somebody else advanced the schedule this far before.
    Stale,
    /// By the backend's clock the tick is in the future.
    Early,
}
