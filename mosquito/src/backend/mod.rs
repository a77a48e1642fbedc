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
//!
//! cancel: waiting, scheduled ──> gone; what is pending is marked, and whatever moves it out of there removes it
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

mod cancelled;
mod checkup;
mod claim;
pub(crate) mod doorbell;
mod durability;
pub(crate) mod lanes;
mod limits;
mod list;
mod notes;
mod pause;
mod rescue;
mod settlement;
mod tick;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::flow::{FlowKey, LimitName};
use crate::job_run::NewRun;
use crate::name::{JobName, OverseerId, QueueName, RunId};

pub use cancelled::Cancelled;
pub use checkup::{Checkup, Warning};
pub use claim::{Claim, ClaimToken, Claimed, Lease, Ticket};
pub use durability::{Durability, Met};
pub use limits::{LimitReport, Used};
pub use list::{List, Sizes, StoredRun};
pub use notes::{NOTES_LIMIT, NoteChange, Notebook, Noted};
pub use pause::{Pause, Paused, Scope};
pub use rescue::{Rescue, Rescued};
pub use settlement::{Fate, Settled, Settlement};
pub use tick::{LastTick, Overlap, Tick, Ticked};

pub(crate) use notes::changed;
pub(crate) use rescue::{DIED, poisoned_reason};

/// The most runs that one call of any method moves or answers, whatever it is told. Longer slices than this,
/// of runs or of settlements, may be taken in several moves.
pub const BATCH_LIMIT: usize = 1_000;

/// A store of queues.
#[async_trait]
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Puts runs into `waiting`, or into `scheduled` those that are for later. The answers are in the order given.
    ///
    /// A run whose id the queue holds already is not put in again, and answered as a duplicate.
    async fn enqueue(&self, queue: &QueueName, runs: &[NewRun]) -> Result<Vec<Enqueued>>;

    /// Enqueues, and answers when the runs are as safe as asked, or when it is clear that they are not: they are
    /// enqueued in either case. What holds for a run holds for one that was there already.
    async fn enqueue_durably(
        &self,
        queue: &QueueName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let enqueued = self.enqueue(queue, runs).await?;
        Ok((
            enqueued,
            match durability {
                Durability::Memory | Durability::Replicas(0, _) => Met::fully(durability),
                _ => Met::short_of(durability, "this store cannot tell"),
            },
        ))
    }

    /// Moves up to `at_most` runs from the front of `waiting` to `pending`, in the name of the ticket's overseer.
    ///
    /// Answers no runs while the queue is paused. A ticket that got runs before answers those of them that are
    /// still pending, and claims nothing more; nor does one with a smaller number than one that got runs, which can
    /// only be a call that was long on its way. A ticket that is asked for no runs is spent, as if it had got some: a call
    /// of it that is still on its way claims nothing when it arrives. While the lease is [lost](Lease::Lost) there are no runs at all.
    async fn claim(&self, queue: &QueueName, ticket: &Ticket, at_most: usize) -> Result<Claimed>;

    /// How many runs could be claimed from each queue now, about: none where a claim would get none. Nothing where that is not cheaper
    /// to find out than to claim.
    async fn claimable(&self, _queues: &[QueueName]) -> Option<Vec<Result<usize>>> {
        None
    }

    /// Moves runs out of `pending`, each as its [`Fate`] says, if the claim still stands. The answers are
    /// in the order given; runs handed back in one call keep their order.
    async fn settle(&self, queue: &QueueName, settlements: &[Settlement]) -> Result<Vec<Settled>>;

    /// Settles runs and claims others: as [`settle`](Self::settle) and then [`claim`](Self::claim) do, at the price of one call where that
    /// can be had. When it fails, either may have happened; both are safe to repeat.
    async fn settle_and_claim(
        &self,
        queue: &QueueName,
        settlements: &[Settlement],
        ticket: &Ticket,
        at_most: usize,
    ) -> Result<(Vec<Settled>, Claimed)> {
        // Side by side: a store that makes one move of calls that gather makes one of these.
        futures_util::try_join!(self.settle(queue, settlements), self.claim(queue, ticket, at_most))
    }

    /// Moves up to `at_most` due runs from `scheduled` to the back of `waiting`, the earliest first.
    async fn promote(&self, queue: &QueueName, at_most: usize) -> Result<Promoted>;

    /// When a periodic job ticked last. A job asked for the first time counts as having ticked now.
    async fn last_tick(&self, queue: &QueueName, job: &JobName) -> Result<LastTick>;

    /// When a periodic job ticked last, for one who only looks: nothing of a job that was never [asked for](Self::last_tick), which this
    /// does not begin.
    async fn ticked(&self, queue: &QueueName, job: &JobName) -> Result<Option<Timestamp>>;

    /// Advances a periodic job's schedule to a tick and enqueues that tick's run, both or neither; once, however many ask.
    async fn tick(&self, queue: &QueueName, tick: &Tick) -> Result<Ticked>;

    /// Renews an overseer's leases on queues. The answers are in the order given; [`Lease::Lost`] means that
    /// all it had claimed there was taken back.
    async fn beat(&self, overseer: &OverseerId, queues: &[QueueName]) -> Result<Vec<Lease>>;

    /// Takes back up to [`Rescue::at_most`] pending runs of overseers whose lease on this queue ran out.
    ///
    /// The runs of one overseer come to the front of `waiting` in the order in which it claimed them, also when it
    /// takes several calls. A beat from the future, made before the clock was set back, counts as made now.
    /// When it is [too late](Rescue::not_after) for the call, nothing changes.
    async fn rescue(&self, queue: &QueueName, rescue: &Rescue) -> Result<Rescued>;

    /// Hands back what an overseer has pending from tickets before this one, up to [`BATCH_LIMIT`] runs, which are
    /// answered, the last first.
    ///
    /// For claims that it has settled, and is told by the store to have still: a server that was restarted or
    /// replaced has lost the settlement. While the overseer beats, nobody else would take them back.
    async fn recall(&self, queue: &QueueName, before: &Ticket) -> Result<Vec<RunId>>;

    /// Stops a queue, or everything, from handing out runs, or a queue from handing out those of a job; in place of an earlier pause of
    /// the same.
    ///
    /// Runs of a paused job are put aside when it is their turn: they wait, in their order, and others flow past. When the pause ends,
    /// they can be claimed again, some at once and the rest with the next claims.
    ///
    /// Where queues stand apart, as those of a cluster do, everything is not paused in one move: a mark is made for the store,
    /// and then in each queue. Whoever puts something into a queue for the first time looks at the mark before, and whoever
    /// claims from one for the first time. Safe to repeat; what a caller who died left undone is done by
    /// [`complete_pause`](Self::complete_pause).
    async fn pause(&self, scope: &Scope, pause: &Pause) -> Result<()>;

    /// Lets a queue hand out runs again, or everything that is not paused by itself. As [`pause`](Self::pause) in all else.
    async fn resume(&self, scope: &Scope) -> Result<()>;

    /// Whether a queue hands out nothing, by its own pause or that of everything; or whether everything is paused; or a job by
    /// itself.
    async fn paused(&self, scope: &Scope) -> Result<Option<Paused>>;

    /// The jobs of a queue that are paused by themselves.
    async fn paused_jobs(&self, queue: &QueueName) -> Result<BTreeMap<JobName, Paused>>;

    /// Has these queues and all that are [listed](Self::queues), which are answered, heed what was last said of everything, as far as the
    /// pause or resumption did not come to them: its caller died, or did not know of them. Where that is one move there is nothing to do.
    async fn complete_pause(&self, _queues: &[QueueName]) -> Result<Vec<QueueName>> {
        self.queues().await
    }

    /// The backend's time: where several servers are one store, that of the one which keeps [`Notebook::Overseers`].
    async fn now(&self) -> Result<Timestamp>;

    /// All notes in a notebook, by key.
    async fn notes(&self, notebook: &Notebook) -> Result<BTreeMap<String, String>>;

    /// One note.
    async fn note(&self, notebook: &Notebook, key: &str) -> Result<Option<String>>;

    /// Changes a note, in one move: nobody else's change comes in between. A note is never empty text.
    async fn change_note(&self, notebook: &Notebook, key: &str, change: &NoteChange) -> Result<Noted>;

    /// The queues that anything was ever enqueued in, or that a periodic job ticks in, in the order of their names.
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

    /// How a limit of a queue stands for one key: of the rate limit and the concurrency limit of that name.
    async fn limit(&self, queue: &QueueName, name: &LimitName, key: &FlowKey) -> Result<LimitReport>;

    /// The run that keeps others of a unique key away, if any.
    async fn holder(&self, queue: &QueueName, key: &FlowKey) -> Result<Option<RunId>>;

    /// Cancels runs. The answers are in the order given; safe to repeat.
    ///
    /// What waits or is scheduled is gone at once. What is pending is marked, durably, and its overseer is
    /// [called](Self::call): whatever moves a marked run out of `pending`, a settlement of any fate, a rescue or a recall,
    /// removes it, and the mark with it. So it is never performed again.
    async fn cancel(&self, queue: &QueueName, ids: &[RunId]) -> Result<Vec<Cancelled>>;

    /// The runs that an overseer has pending and that are marked as [cancelled](Self::cancel), up to [`BATCH_LIMIT`].
    async fn cancelled(&self, queue: &QueueName, overseer: &OverseerId) -> Result<Vec<RunId>>;

    /// Says a word into an overseer's ear: that it should look at what is [cancelled](Self::cancelled). A word is kept until it is
    /// heard, for a while at least; one that gets lost costs time and nothing else.
    async fn call(&self, overseer: &OverseerId) -> Result<()>;

    /// Waits until an overseer is [called](Self::call), and answers whether it was; not, after the timeout. It may be so
    /// without reason. Each word is heard by one listener.
    async fn listen(&self, overseer: &OverseerId, timeout: Duration) -> Result<bool>;

    /// Removes one run, wherever it stands; whether there was one. A claim on it no longer stands.
    async fn delete(&self, queue: &QueueName, id: &RunId) -> Result<bool>;

    /// Empties a queue: all four lists. Claims on its runs no longer stand. Leases, schedules and pauses stay.
    async fn flush(&self, queue: &QueueName) -> Result<()>;

    /// Removes up to `at_most` of the oldest dead runs: those beyond `keep`, and those dead for longer than `age`.
    async fn prune(&self, queue: &QueueName, keep: usize, age: Duration, at_most: usize) -> Result<usize>;

    /// Takes or renews the leadership for so long. Answers its epoch, which grows by one whenever another
    /// overseer takes over, or nothing while another one leads. It leads no longer than the lease that it is asked for
    /// from now on, unless it renews: so a clock that was set back prolongs no leadership.
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

    /// Looks for what may lose runs, or slow them down. What cannot be looked at is told as such, and no error.
    async fn check(&self) -> Result<Checkup> {
        Ok(Checkup::default())
    }

    /// Another handle on the same store, over connections of its own that live on the calling runtime.
    async fn separate(&self) -> Result<Arc<dyn Backend>>;

    /// Whether the store is this process's memory. Then nobody else can take its overseers for dead, and its
    /// clock may be that of the runtime.
    fn dies_with_its_process(&self) -> bool {
        false
    }
}

/// What became of one run of an enqueue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It was enqueued, under this id.
    New(RunId),
    /// The queue holds a run of this id already, or one that keeps it away by being [unique](crate::Unique); that one
    /// stays as it is.
    Duplicate(RunId),
    /// The run of this id, which would have kept it away, has its arguments now.
    Replaced(RunId),
}

impl Enqueued {
    /// The id of the run that stands in the queue now.
    #[must_use]
    pub fn id(&self) -> &RunId {
        match self {
            Self::New(id) | Self::Duplicate(id) | Self::Replaced(id) => id,
        }
    }

    /// Whether this enqueue put it there.
    #[must_use]
    pub fn is_new(&self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// The answer to a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// How many runs were moved.
    pub moved: usize,
    /// How many lanes, held up by a rate limit until now or put aside while their job was paused, can be claimed from again.
    pub woken: usize,
    /// How long until the next scheduled run is due, the next rate limit lets more runs start, or the next pause of a job ends: zero
    /// when more were due than could be moved, nothing when there is none.
    pub next_due: Option<Duration>,
}

/// What a waiter waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Runs came into `waiting`.
    Work,
    /// A run was scheduled to be due before all others.
    Due,
}
