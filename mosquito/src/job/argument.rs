//! What a field of a job is.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a field of a job is: a value that owns what it has, that threads can share, and that serde writes and reads.
///
/// Whatever is all that is one; there is nothing to implement. `#[job]` asks for it by this name, so that a field that is none
/// is told in one sentence.
///
/// The lifetime means nothing. It lets the attribute assume of each field that it is an argument, and leaves
/// the complaint to where the job is used: the compiler checks such an assumption at once unless it speaks of a lifetime.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a job",
    label = "a field of this job has the type `{Self}`, which cannot be an argument",
    note = "arguments are stored as text and shared between threads: derive serde's `Serialize` and `Deserialize` for `{Self}`, which needs to be `Send` and `Sync`, or mark the field `#[serde(skip)]`"
)]
pub trait Argument<'a>: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Argument<'_> for T {}
