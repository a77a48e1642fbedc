//! Where queues are stored.
//!
//! A [`Backend`] offers the moves that a run can make, and nothing smaller: each method is **one**
//! atomic transition, so there is no moment inside a move to crash in. A run stands in exactly one of
//! a queue's four [`List`]s:
//!
//! ```text
//! enqueue ─┬─> waiting ──claim──> pending ──settle──> gone
//!          │      ^                  │  └──settle──> dead
//!          └─> scheduled <──settle───┘
//!                 └──promote──> waiting
//! ```
//!
//! Invariants, which the contract suite checks on every implementation:
//!
//! - **Fenced.** A claim is named by its [`ClaimToken`]; settling with one that no longer stands changes nothing.
//! - **Bounded.** Each call moves at most as many runs as it is told.
//! - **One clock.** All times are the backend's own; a client passes durations.
//! - **Safe to repeat.** A call whose answer was lost may be sent again: an enqueue by its ids, a claim by
//!   its ticket, a settlement by its token.
//!
//! Liveness is a lease per overseer and queue. A claim that gets runs takes or renews it, [`Backend::beat`]
//! renews it, and [`Backend::rescue`] takes the runs of a lease that ran out.

pub mod memory;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub mod redis;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub mod sqlite;

pub(crate) mod doorbell;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::job_run::{History, NewRun};
use crate::name::{JobName, OverseerId, QueueName, RunId};

/// The most runs that one call of any method moves or answers, whatever it is told.
pub const BATCH_LIMIT: usize = 1_000;

/// A store of queues.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Puts runs into `waiting`, or into `scheduled` those that are for later. The answers are in the order given.
    ///
    /// A run whose id the queue holds already is not put in again, and answered as a duplicate.
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>>;

    /// Moves up to `at_most` runs from the front of `waiting` to `pending`, in the name of the ticket's overseer.
    ///
    /// Answers no runs while the queue is paused. A ticket that was used before answers what it claimed
    /// then and is still pending, and claims nothing more.
    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed>;

    /// Moves runs out of `pending`, each as its [`Fate`] says, if the claim still stands. The answers are
    /// in the order given; runs handed back in one call keep their order.
    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>>;

    /// Moves up to `at_most` due runs from `scheduled` to the back of `waiting`, the earliest first.
    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted>;

    /// When a periodic job ticked last. A job asked for the first time counts as having ticked now.
    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick>;

    /// Advances a periodic job's schedule to a tick and enqueues that tick's run, both or neither; once, however many ask.
    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked>;

    /// Renews an overseer's leases on queues. The answers are in the order given; [`Lease::Lost`] means that
    /// all it had claimed there was taken back.
    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>>;

    /// Takes back up to [`Rescue::at_most`] pending runs of overseers whose lease on this queue ran out.
    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued>;

    /// Stops a queue from handing out runs: until [`resume`](Self::resume), or for so long.
    async fn pause(&self, queue: &QueueName, duration: Option<Duration>) -> Result<()>;

    /// Lets a queue hand out runs again.
    async fn resume(&self, queue: &QueueName) -> Result<()>;

    /// Whether a queue is paused, and until when.
    async fn paused(&self, queue: &QueueName) -> Result<Option<Paused>>;

    /// The queues that anything was ever enqueued in, in the order of their names.
    async fn queues(&self) -> Result<Vec<QueueName>>;

    /// How many runs stand in each list of a queue.
    async fn sizes(&self, queue: &QueueName) -> Result<Sizes>;

    /// Up to `at_most` runs of a list, from `offset` on: `waiting` in the order of being claimed,
    /// `scheduled` by due time, `pending` by overseer and claim, `dead` by time of death.
    async fn page(
        &self,
        queue: &QueueName,
        list: List,
        offset: usize,
        at_most: usize,
    ) -> Result<Vec<StoredRun>>;

    /// One run, and the list it stands in.
    async fn find(&self, queue: &QueueName, id: &RunId) -> Result<Option<StoredRun>>;

    /// Removes one run, wherever it stands; whether there was one. A claim on it no longer stands.
    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool>;

    /// Empties a queue: all four lists. Claims on its runs no longer stand. Schedules and a pause stay.
    async fn flush(&self, queue: &QueueName) -> Result<()>;

    /// Removes up to `at_most` of the oldest dead runs: those beyond `keep`, and those dead for longer than `age`.
    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize>;

    /// Takes or renews the leadership for so long. Answers its epoch, which grows by one whenever another
    /// overseer takes over, or nothing while another one leads.
    async fn lead(&self, overseer: &OverseerId, lease: Duration) -> Result<Option<u64>>;

    /// Gives the leadership up, if the overseer has it.
    async fn resign(&self, overseer: &OverseerId) -> Result<()>;

    /// Waits until a signal arrives for one of the queues, and answers which; nothing after the timeout.
    ///
    /// A signal is not lost while nobody waits. It may arrive without reason; it is taken by one waiter.
    async fn wait(
        &self,
        signal: Signal,
        queues: &[QueueName],
        timeout: Duration,
    ) -> Result<Option<QueueName>>;

    /// Another handle on the same store, over connections of its own that live on the calling runtime.
    /// Nothing when the store is this process's memory, which has no connections.
    async fn separate(&self) -> Result<Option<Arc<dyn Backend>>>;
}

/// What became of one run of an enqueue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a duplicate is not enqueued again"]
pub enum Enqueued {
    /// It was enqueued, under this id.
    New(RunId),
    /// The queue holds a run of this id already, which stays as it is.
    Duplicate(RunId),
}

impl Enqueued {
    /// The id of the run that stands in the queue now.
    #[must_use]
    pub fn id(&self) -> &RunId {
        match self {
            Self::New(id) | Self::Duplicate(id) => id,
        }
    }

    /// Whether this enqueue put it there.
    #[must_use]
    pub fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// Names one call of [`Backend::claim`], so that it can be repeated when its answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Who claims.
    pub overseer: OverseerId,
    /// Counted by the overseer: never the same for two claims that are not the same.
    pub number: u64,
}

/// Names one claim of one run: the fence. Only its backend knows what it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimToken(pub String);

/// The answer to a claim.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The runs, in the order in which they stood.
    pub runs: Vec<Claim>,
    /// How the lease stood when the call came.
    pub lease: Lease,
    /// The backend's time.
    pub now: Timestamp,
}

/// One claimed run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its id.
    pub id: RunId,
    /// Names the claim when it is settled.
    pub token: ClaimToken,
    /// The envelope's bytes, as they were stored.
    pub envelope: Vec<u8>,
    /// What became of its attempts before this one.
    pub history: History,
}

/// How an overseer's lease on a queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It had none: whatever it claimed in this queue before is not its own any more.
    New,
    /// It holds.
    Held,
    /// It ran out and its runs are being taken back. The overseer claims nothing until that is done.
    Lost,
}

/// What is to become of one claimed run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The run.
    pub id: RunId,
    /// The claim that is settled.
    pub token: ClaimToken,
    /// Where the run goes.
    pub fate: Fate,
}

/// Where a run goes from `pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Gone.
    Forget,
    /// To `scheduled`, due after the delay, with this history.
    Reschedule {
        /// How long after the settlement it is due.
        delay: Duration,
        /// What became of its attempts, this one included.
        history: History,
    },
    /// To `dead`, with this history.
    Banish {
        /// What became of its attempts, this one included.
        history: History,
    },
    /// To the front of `waiting`, as if it had never been claimed.
    HandBack,
}

/// Whether a settlement took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The run went where its fate said.
    Done,
    /// The claim does not stand any more: nothing changed.
    Stale,
}

/// The answer to a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// How many runs were moved.
    pub moved: usize,
    /// How long until the next scheduled run is due: zero when more were due than could be moved, nothing when none is scheduled.
    pub next_due: Option<Duration>,
}

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

/// Which runs to take back, and what to do with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rescue {
    /// An overseer that did not beat for so long has died.
    pub dead_after: Duration,
    /// A run that saw so many processes die is banished as poisoned.
    pub max_crashes: u32,
    /// The most runs to take back in this call.
    pub at_most: usize,
}

/// The answer to a rescue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rescued {
    /// The runs that went to the front of `waiting`.
    pub rescued: Vec<RunId>,
    /// The runs that were banished, because too many processes died with them.
    pub poisoned: Vec<RunId>,
    /// Whether the call stopped at its bound: there may be more.
    pub more: bool,
}

/// That a queue is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// When it resumes by itself.
    pub until: Option<Timestamp>,
}

/// The four lists of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum List {
    /// To be performed as soon as possible.
    Waiting,
    /// Being performed.
    Pending,
    /// To be performed later.
    Scheduled,
    /// No longer viable.
    Dead,
}

impl List {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Pending, Self::Scheduled, Self::Dead];
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Dead => "dead",
        })
    }
}

/// How many runs stand in each list of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the list of its name")]
pub struct Sizes {
    pub waiting: usize,
    pub pending: usize,
    pub scheduled: usize,
    pub dead: usize,
}

impl Sizes {
    /// All runs of the queue.
    #[must_use]
    pub fn total(&self) -> usize {
        self.waiting + self.pending + self.scheduled + self.dead
    }
}

/// A run as it stands in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRun {
    /// Its id.
    pub id: RunId,
    /// The list it stands in.
    pub list: List,
    /// Since when it is pending or dead, or when it is due; nothing for a waiting one.
    pub at: Option<Timestamp>,
    /// Who claimed it, when it is pending.
    pub overseer: Option<OverseerId>,
    /// The envelope's bytes.
    pub envelope: Vec<u8>,
    /// What became of its attempts, not counting one that is under way.
    pub history: History,
}

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Runs came into `waiting`.
    Work,
    /// A run was scheduled to be due before all others.
    Due,
}

/// What a rescued run's history says of the attempt that did not end.
pub(crate) const DIED: &str = "its process died while it performed this run";

/// What a poisoned run's history says.
pub(crate) fn poisoned_reason(crashes: u32) -> String {
    format!("poisoned: {crashes} processes died while they performed it")
}
