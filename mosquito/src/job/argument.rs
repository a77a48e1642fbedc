//! What a field of a job is.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// What a field of a job is: a value that owns what it has, and that serde writes and reads.
///
/// Whatever is all that is one; there is nothing to implement. `#[job]` asks for it by this name, so that a field that is none
/// is told in one sentence.
///
/// The lifetime means nothing. It lets serde's code assume of each field that it is an argument, and leaves
/// the complaint to `#[job]`: the compiler checks such an assumption at once unless it speaks of a lifetime.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a job",
    label = "a field of this job has the type `{Self}`, which does not serialize or deserialize",
    note = "arguments are stored as text: derive serde's `Serialize` and `Deserialize` for `{Self}`, or mark the field `#[serde(skip)]`"
)]
pub trait Argument<'a>: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Argument<'_> for T {}
