//! The arguments of a periodic job that says nothing else of them.

use crate::job::Job;

/// A job with a `Default`: that trait with better words where it is missing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a periodic job with fields, but nothing says what they are at each tick",
    label = "neither `args` nor `Default`",
    note = "say it in the attribute, `#[job(.., args = {Self} {{ .. }})]`, or implement `Default`"
)]
pub trait DefaultArgs: Job {
    /// The job to perform at each tick.
    #[must_use]
    fn default_args() -> Self;
}

// Otherwise only `Default` would be told to be missing.
#[diagnostic::do_not_recommend]
impl<J: Job + Default> DefaultArgs for J {
    fn default_args() -> Self {
        Self::default()
    }
}
