//! What an application writes: jobs, and how each is performed.
//!
//! `#[job]` makes a struct a [`Job`]: a name, a queue, policies, and arguments that serialize. The
//! application says what performing means, by [`Perform`], or [`PerformBlocking`] for work that holds its
//! thread. Each job type registers itself at link time, and the [registry](Registration) finds it again
//! by the name that a dequeued run bears.

mod adjusting;
mod argument;
mod arguments;
mod chunk;
mod conclusion;
mod context;
mod default_args;
mod durably;
mod enqueue;
mod enqueue_all;
mod enqueuer;
mod flowing;
mod halt;
mod metadata;
mod outcome;
mod partitions;
#[cfg(feature = "testing")]
pub(crate) mod payload;
mod performance;
mod registration;
mod registry;
mod retry;
mod schedule;
mod shared_limits;
mod upgrade;

use std::future::{Future, ready};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Result;
use crate::flow::{Flow, FlowKey, FlowSpec};

pub use argument::Argument;
pub use context::{Context, NeedsState};
pub use default_args::DefaultArgs;
pub use durably::{Durable, Durably};
pub use enqueue::Enqueue;
pub use enqueue_all::EnqueueAll;
pub use flowing::{Flowing, Weight, partition_key};
pub use halt::WhyCancelled;
pub use metadata::Metadata;
pub use outcome::{Deadline, JobError, JobResult, Outcome, decide};
pub use registration::{Registration, StateNeed, TickArgs};
pub use retry::{Backoff, Retry};
pub use schedule::{Missed, Rhythm, ScheduleSpec};
pub use upgrade::Upgrade;

pub(crate) use arguments::Undecodable;
#[cfg(feature = "testing")]
pub(crate) use arguments::decode;
pub(crate) use conclusion::Conclusion;
pub(crate) use context::{Core, States};
#[cfg(feature = "testing")]
pub(crate) use enqueuer::Witness;
pub(crate) use enqueuer::{Enqueuer, flowing};
pub(crate) use halt::{Attempt, Fired, Halt};
pub(crate) use outcome::{Kind, panic_message};
pub(crate) use partitions::{declared_parts, parts};
pub(crate) use performance::Performance;
pub(crate) use registry::Registry;
pub(crate) use schedule::Schedule;

/// A type of background job: made by `#[job]` on a struct, whose fields are its arguments.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "not a job",
    note = "if `{Self}` is a struct of yours, write `#[mosquito::job]` above it"
)]
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What the attribute declares.
    const SPEC: JobSpec;

    /// What goes before a run of this job, and what holds it up: as declared, with the keys of these arguments.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Perform};
    /// use mosquito::{Job, job};
    ///
    /// #[job(unique(by = [user_id]))]
    /// struct SendDigest {
    ///     user_id: u64,
    /// }
    /// # impl Perform for SendDigest { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// let unique = SendDigest { user_id: 7 }.flow()?.unique.expect("it is declared");
    /// assert_eq!(unique.key.as_str(), r#"["send_digest",7]"#);
    /// # Ok::<(), mosquito::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unserializable`](crate::Error::Unserializable) when a field that is part of a key does not serialize.
    fn flow(&self) -> Result<Flow> {
        Flowing::of(self).flow()
    }

    /// By what runs of this job are told apart when their queue has [partitions](crate::guide::partitions): those of one key are in one of
    /// them. By nothing, where it is not declared.
    ///
    /// ```
    /// # use mosquito::{Context, JobResult, Perform};
    /// use mosquito::{Job, job};
    ///
    /// #[job(queue("events", partitions = 8, by = [user_id]))]
    /// struct Track {
    ///     user_id: u64,
    /// }
    /// # impl Perform for Track { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
    ///
    /// let key = Track { user_id: 7 }.partition_key()?.expect("it is declared");
    /// assert_eq!((key.as_str(), key.partition_of(8)), ("[7]", 6));
    /// # Ok::<(), mosquito::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unserializable`](crate::Error::Unserializable) when a field that is part of the key does not serialize.
    fn partition_key(&self) -> Result<Option<FlowKey>> {
        Ok(None)
    }
}

/// All that `#[job(..)]` declares, but for the type itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JobSpec {
    /// The name under which its runs are stored.
    pub name: &'static str,
    /// Names that it had before, under which runs may still be waiting.
    pub aliases: &'static [&'static str],
    /// The version of its arguments, from 1: see [`Upgrade`].
    pub version: u32,
    /// The arguments that are never shown, by the names under which they serialize: `"."` is all of them.
    pub redacted: &'static [&'static str],
    /// The queue its runs are enqueued in, unless an enqueue names another.
    pub queue: &'static str,
    /// How many [partitions](crate::guide::partitions) that queue has: 1, when it is whole, to 64.
    pub partitions: u32,
    /// How a failed run is tried again.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// How long all attempts may take together, from the begin of the first on.
    pub deadline: Option<Duration>,
    /// Whether what became of an attempt is on record before its executor takes the next run.
    pub sync_ack: bool,
    /// When it is performed by itself.
    pub schedule: Option<ScheduleSpec>,
    /// What goes before its runs, and what holds them up.
    pub flow: FlowSpec,
}

impl JobSpec {
    /// What a job of this name has that declares nothing else.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            version: 1,
            redacted: &[],
            queue: "default",
            partitions: 1,
            retry: Retry::DEFAULT,
            timeout: None,
            deadline: None,
            sync_ack: false,
            schedule: None,
            flow: FlowSpec::PLAIN,
        }
    }
}

/// Says what performing a job means.
///
/// ```
/// use mosquito::{Context, JobResult, Perform, job};
///
/// #[job(queue = "mail")]
/// struct Greet {
///     name: String,
/// }
///
/// impl Perform for Greet {
///     async fn perform(&self, cx: &Context<Self>) -> JobResult {
///         println!("hello {}, this is attempt {}", self.name, cx.attempt());
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a job, but nothing performs it",
    label = "nothing performs this job",
    note = "write `impl Perform for {Self} {{ async fn perform(&self, cx: &Context<Self>) -> JobResult {{ .. }} }}`, or, if it implements `PerformBlocking`, `#[job(blocking)]`"
)]
pub trait Perform: Job {
    /// Performs one run. An error, a panic or a timeout is retried as the job's policy says.
    ///
    /// A run can be performed more than once, when a process dies before its success is on record: make
    /// the effect the same when repeated.
    fn perform(&self, cx: &Context<Self>) -> impl Future<Output = JobResult> + Send;

    /// Called before each attempt; an error ends the attempt as if `perform` had answered it. With
    /// [`JobError::snooze`] it puts the run off.
    fn before(&self, _cx: &Context<Self>) -> impl Future<Output = JobResult> + Send {
        ready(Ok(()))
    }

    /// Called after each attempt that `before` let through, with what became of it: `perform`'s answer,
    /// or an error that says it panicked or timed out. It may take 30 s, and cannot change the outcome.
    fn after(&self, _cx: &Context<Self>, _result: &JobResult) -> impl Future<Output = ()> + Send {
        ready(())
    }

    /// How long a run waits after its `attempt`th attempt (from 1) failed of `error`; the policy decides
    /// when this is `None`.
    fn retry_after(&self, _attempt: u32, _error: &JobError) -> Option<Duration> {
        None
    }
}

/// Says what performing a `#[job(blocking)]` means: on a thread of its own, which it may hold as long as it likes.
///
/// A `timeout` fires the run's [token](Context::token), and counts once `perform` has returned: a thread
/// cannot be taken away from its work. The hooks are those of [`Perform`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a blocking job, but nothing performs it",
    label = "nothing performs this job",
    note = "write `impl PerformBlocking for {Self} {{ fn perform(&self, cx: &Context<Self>) -> JobResult {{ .. }} }}`, or drop `blocking` and implement `Perform`"
)]
pub trait PerformBlocking: Job {
    /// Performs one run.
    fn perform(&self, cx: &Context<Self>) -> JobResult;

    /// Called before each attempt, on the same thread.
    fn before(&self, _cx: &Context<Self>) -> JobResult {
        Ok(())
    }

    /// Called after each attempt that `before` let through, on the same thread.
    fn after(&self, _cx: &Context<Self>, _result: &JobResult) {}

    /// How long a run waits after its `attempt`th attempt (from 1) failed; the policy decides when this is `None`.
    fn retry_after(&self, _attempt: u32, _error: &JobError) -> Option<Duration> {
        None
    }
}
