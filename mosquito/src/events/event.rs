//! The facts, and how each reads in the log.

use std::time::Duration;

use crate::backend::{Fate, Pause, Scope, Warning};
use crate::clock::Timestamp;
use crate::job::{Outcome, WhyCancelled};
use crate::name::{JobName, OverseerId, OverseerName, QueueName, RunId};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named for what they hold")]
pub enum Event {
    /// A client enqueued runs of a job in one call; `id` names the run when it was one. `duplicates` were kept away by others, and
    /// `replaced` gave theirs their arguments.
    Enqueued {
        queue: QueueName,
        job: JobName,
        id: Option<RunId>,
        new: usize,
        duplicates: usize,
        replaced: usize,
    },
    /// An attempt began.
    Started { queue: QueueName, job: JobName, id: RunId, attempt: u32 },
    /// An attempt ended, and it was decided where the run goes. `job` is unknown when the envelope could not be read.
    Finished {
        queue: QueueName,
        job: Option<JobName>,
        id: RunId,
        attempt: u32,
        took: Duration,
        outcome: Outcome,
        fate: Fate,
    },
    /// Runs were removed at their claim: they had waited longer for their first attempt than they were to.
    Expired { queue: QueueName, runs: Vec<RunId> },
    /// An attempt was interrupted by the end of its process: its run goes to the front of `waiting`, as if it had not begun.
    HandedBack { queue: QueueName, id: RunId },
    /// A settlement was refused: the run had been taken back, or deleted, in the meantime.
    SettlementRefused { queue: QueueName, id: RunId },
    /// Somebody cancelled a run that this overseer has: its token fires.
    Cancelled { queue: QueueName, id: RunId },
    /// An attempt goes on, although its token has fired so long ago.
    Stuck { queue: QueueName, job: JobName, id: RunId, since: Duration, why: WhyCancelled },
    /// Due runs were moved to `waiting`.
    Promoted { queue: QueueName, runs: usize },
    /// A periodic job's run was enqueued.
    Ticked { queue: QueueName, job: JobName, at: Timestamp, id: RunId },
    /// Runs of overseers that had died were taken back; those that too many died with were banished, and those that
    /// somebody had cancelled are gone.
    Rescued { queue: QueueName, rescued: Vec<RunId>, poisoned: Vec<RunId>, cancelled: Vec<RunId> },
    /// The store has lost what this overseer had settled, in a failover or restart: the runs went back to `waiting`,
    /// and are performed again.
    Recalled { queue: QueueName, runs: Vec<RunId> },
    /// This overseer was taken for dead; its runs of this queue are somebody else's, and their tokens fire.
    LeaseLost { queue: QueueName, overseer: OverseerId, runs: usize },
    /// This overseer coordinates from now on.
    Leading { overseer: OverseerId, epoch: u64 },
    /// An overseer began to work: on these queues, of those that there are so far; it performs these jobs.
    OverseerStarted {
        overseer: OverseerId,
        name: Option<OverseerName>,
        executors: usize,
        queues: Vec<QueueName>,
        jobs: Vec<&'static str>,
    },
    /// An overseer was told to stop: it claims nothing more, and waits for what is being performed.
    OverseerStopping { overseer: OverseerId, grace: Duration },
    /// An overseer has stopped.
    OverseerStopped { overseer: OverseerId },
    /// The size of the executor pool was changed.
    ExecutorsResized { overseer: OverseerId, executors: usize },
    /// An executor died of a panic outside of its job, and another one took its place.
    ExecutorDied { overseer: OverseerId, reason: String },
    /// What is configured in the store for this overseer has changed, or was found as it began: so many executors it has now, however
    /// they are set, and these limits of queues are configured.
    Configured { overseer: OverseerId, executors: usize, limits: Vec<(QueueName, usize)> },
    /// Somebody wrote into the configuration by hand what cannot be read. It counts for nothing; told once.
    ConfigurationUnreadable { reason: String },
    /// This client paused a queue, a job in one, or everything.
    Paused { scope: Scope, pause: Pause },
    /// This client ended a pause. One that ends by itself is not told.
    Resumed { scope: Scope },
    /// A gate holds its queues back from now on: this runner claims nothing from them, and leaves their signals to others.
    GateClosed { gate: String, queues: Vec<QueueName>, reason: String },
    /// A gate lets its queues be worked on again.
    GateOpened { gate: String, queues: Vec<QueueName> },
    /// A runner looked at its store as it started, and found something that its operator should know.
    Warned { warning: Warning },
    /// The backend, or a part of it, went out of reach. What needs it is tried again.
    BackendLost { reason: String },
    /// The backend is in reach again. Where a part stays away while the rest answers, such as a server of a cluster, this is told
    /// only after nothing has failed for a while: up to 30 s.
    BackendBack { after: Duration },
}

impl Event {
    pub(super) fn log(&self) {
        use tracing::{error, info, warn};
        match self {
            Self::Enqueued { queue, job, id: Some(id), replaced: 1.., .. } => {
                info!(target: "mosquito", %queue, %job, run = %id, "enqueued in the place of another run");
            }
            Self::Enqueued { queue, job, id: Some(id), new, .. } => {
                info!(target: "mosquito", %queue, %job, run = %id, duplicate = *new == 0, "enqueued");
            }
            Self::Enqueued { queue, job, id: None, new, duplicates, replaced } => {
                info!(target: "mosquito", %queue, %job, runs = new, duplicates, replaced, "enqueued");
            }
            Self::Started { queue, job, id, attempt } => {
                info!(target: "mosquito", %queue, %job, run = %id, attempt, "started");
            }
            Self::Finished { queue, job, id, attempt, took, outcome, fate } => {
                let job = job.as_ref().map_or("?", JobName::as_str);
                log_finished(queue, job, id, *attempt, *took, outcome, fate);
            }
            Self::Expired { queue, runs } => {
                let shown: Vec<_> = runs.iter().map(RunId::as_str).collect();
                warn!(target: "mosquito", %queue, runs = runs.len(), ids = listed(&shown), "expired: they waited too long");
            }
            Self::HandedBack { queue, id } => info!(target: "mosquito", %queue, run = %id, "handed back"),
            Self::SettlementRefused { queue, id } => {
                warn!(target: "mosquito", %queue, run = %id, "settlement refused: the run was taken back or deleted meanwhile");
            }
            Self::Cancelled { queue, id } => {
                info!(target: "mosquito", %queue, run = %id, "cancelled while it is performed")
            }
            Self::Stuck { queue, job, id, since, why } => {
                warn!(target: "mosquito", %queue, %job, run = %id, ?since, %why, "stuck: it goes on although its token has fired");
            }
            Self::Promoted { queue, runs } => {
                info!(target: "mosquito", %queue, runs, "due runs moved to waiting")
            }
            Self::Ticked { queue, job, at, id } => {
                info!(target: "mosquito", %queue, %job, tick = %at, run = %id, "ticked");
            }
            Self::Rescued { queue, rescued, poisoned, cancelled } => {
                let (rescued, poisoned, cancelled) = (rescued.len(), poisoned.len(), cancelled.len());
                warn!(target: "mosquito", %queue, rescued, poisoned, cancelled, "runs of dead overseers taken back");
            }
            Self::Recalled { queue, runs } => {
                warn!(target: "mosquito", %queue, runs = runs.len(), "the store has lost settlements; their runs are performed again");
            }
            Self::LeaseLost { queue, overseer, runs } => {
                warn!(target: "mosquito", %queue, %overseer, runs, "lease lost: this overseer was taken for dead");
            }
            Self::Leading { overseer, epoch } => info!(target: "mosquito", %overseer, epoch, "coordinating"),
            Self::OverseerStarted { overseer, name, executors, queues, jobs } => {
                let queues: Vec<_> = queues.iter().map(QueueName::as_str).collect();
                let (queues, jobs) = (listed(&queues), listed(jobs));
                let name = name.as_ref().map(OverseerName::as_str);
                info!(target: "mosquito", %overseer, name, executors, queues, jobs, "overseer started");
            }
            Self::OverseerStopping { overseer, grace } => {
                info!(target: "mosquito", %overseer, ?grace, "overseer stopping");
            }
            Self::OverseerStopped { overseer } => info!(target: "mosquito", %overseer, "overseer stopped"),
            Self::ExecutorsResized { overseer, executors } => {
                info!(target: "mosquito", %overseer, executors, "executor pool resized");
            }
            Self::ExecutorDied { overseer, reason } => {
                error!(target: "mosquito", %overseer, reason, "executor died and was replaced");
            }
            Self::Configured { overseer, executors, limits } => {
                let limits: Vec<_> = limits.iter().map(|(queue, limit)| format!("{queue} {limit}")).collect();
                let limits = listed(&limits.iter().map(String::as_str).collect::<Vec<_>>());
                info!(target: "mosquito", %overseer, executors, limits, "configured");
            }
            Self::ConfigurationUnreadable { reason } => {
                warn!(target: "mosquito", reason, "a part of the configuration cannot be read");
            }
            Self::Paused { scope, pause } => {
                let (reason, author) = pause.words();
                info!(target: "mosquito", %scope, lasting = ?pause.duration(), reason, author, "paused");
            }
            Self::Resumed { scope } => info!(target: "mosquito", %scope, "resumed"),
            Self::GateClosed { gate, queues, reason } => {
                let queues = listed(&queues.iter().map(QueueName::as_str).collect::<Vec<_>>());
                warn!(target: "mosquito", gate, queues, reason, "gate closed: its queues are skipped");
            }
            Self::GateOpened { gate, queues } => {
                let queues = listed(&queues.iter().map(QueueName::as_str).collect::<Vec<_>>());
                info!(target: "mosquito", gate, queues, "gate open");
            }
            Self::Warned { warning } => warn!(target: "mosquito", "{warning}"),
            Self::BackendLost { reason } => {
                warn!(target: "mosquito", reason, "backend out of reach, trying again")
            }
            Self::BackendBack { after } => info!(target: "mosquito", ?after, "backend in reach again"),
        }
    }
}

/// The first of many names, and how many there are.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 50;
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn log_finished(
    queue: &QueueName,
    job: &str,
    id: &RunId,
    attempt: u32,
    took: Duration,
    outcome: &Outcome,
    fate: &Fate,
) {
    use tracing::{error, info, warn};
    let why = match outcome {
        Outcome::Failed { error, .. } => error,
        Outcome::GivenUp(reason) | Outcome::Discarded(reason) | Outcome::Undecodable(reason) => reason,
        Outcome::UnknownJob => {
            "not performed by this process: it has no job of that name, or not its state, or is too old for its envelope or the version of its arguments"
        }
        _ => "",
    };
    match (fate, outcome) {
        (Fate::Forget, Outcome::Succeeded) => {
            info!(target: "mosquito", %queue, job, run = %id, attempt, ?took, "succeeded");
        }
        (Fate::Forget, Outcome::Cancelled) => {
            info!(target: "mosquito", %queue, job, run = %id, attempt, ?took, "cancelled")
        }
        (Fate::Forget, _) => {
            info!(target: "mosquito", %queue, job, run = %id, attempt, ?took, why, "discarded")
        }
        (Fate::Reschedule { delay, .. }, Outcome::Snoozed(_)) => {
            info!(target: "mosquito", %queue, job, run = %id, attempt, ?took, again_in = ?delay, "snoozed");
        }
        (Fate::Reschedule { delay, .. }, _) => {
            warn!(target: "mosquito", %queue, job, run = %id, attempt, ?took, again_in = ?delay, why, "failed, rescheduled");
        }
        (Fate::Banish { .. }, _) => {
            error!(target: "mosquito", %queue, job, run = %id, attempt, ?took, why, "failed, banished to dead");
        }
        (Fate::HandBack, _) => {
            info!(target: "mosquito", %queue, job, run = %id, attempt, ?took, "handed back")
        }
    }
}
