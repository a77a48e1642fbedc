//! Arguments that an older release wrote.
//!
//! A run bears the version of its arguments. One of an older version than its job's is upgraded before it
//! is performed; one of a newer version waits for a process that knows it.

use serde_json::Value;

use crate::job::{Job, JobError};

/// Says what the arguments of earlier versions mean today, for a job with `#[job(version = 2)]` or later.
///
/// Not every change needs a version: a field with `#[serde(default)]` may be added, one may be
/// removed, and one may be renamed with `#[serde(alias = "old_name")]`. Anything else does, as long as runs of the old
/// shape may be waiting. And so does a removed or renamed field, while processes of the old release are still at work: they
/// leave runs of a newer version to others, but would put those that they cannot decode into `dead`.
///
/// ```
/// use mosquito::serde_json::{Value, from_value};
/// use mosquito::{Context, JobError, JobResult, Perform, Upgrade, job};
///
/// /// Had one field `name` before.
/// #[job(version = 2)]
/// struct Greet {
///     first_name: String,
///     last_name: String,
/// }
///
/// impl Upgrade for Greet {
///     fn upgrade(_from: u32, mut args: Value) -> Result<Self, JobError> {
///         let name: String = from_value(args["name"].take())?;
///         let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
///         Ok(Self { first_name: first.into(), last_name: last.into() })
///     }
/// }
///
/// impl Perform for Greet {
///     async fn perform(&self, _: &Context<Self>) -> JobResult {
///         println!("hello {} {}", self.first_name, self.last_name);
///         Ok(())
///     }
/// }
/// # assert_eq!(Greet::upgrade(1, mosquito::serde_json::json!({ "name": "Ada Lovelace" })).unwrap().last_name, "Lovelace");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has a later version than 1, but nothing upgrades the runs of those before",
    label = "nothing upgrades earlier versions of this job",
    note = "write `impl Upgrade for {Self} {{ fn upgrade(from: u32, args: mosquito::serde_json::Value) -> Result<Self, JobError> {{ .. }} }}`"
)]
pub trait Upgrade: Job {
    /// Makes today's job from the arguments of an earlier version: `from` is 1 for those that were enqueued
    /// before the job had a `version` at all.
    ///
    /// # Errors
    ///
    /// An error puts the run into `dead`, with its bytes, as arguments do that cannot be decoded. [`JobError::discard`]
    /// drops it, [`JobError::snooze`] and [`JobError::retry_in`] put it off.
    fn upgrade(from: u32, args: Value) -> Result<Self, JobError>;
}
