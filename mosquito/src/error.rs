//! What can go wrong between an application and its store.
//!
//! A job's own failure is not here: it is a value, [`JobError`](crate::JobError).

use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;

use crate::name::{NameError, RunId};

/// Any error, of any library.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// `Ok`, or an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an operation of mosquito failed of.
///
/// Its `Debug` form is written for people, cause by cause, so that a `main` that returns it ends with a
/// sentence one can act on.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL names no backend that exists, or lacks a part.
    #[error("cannot use `{url}` as a backend: {reason}")]
    Url {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The backend is out of reach, or cannot take anything down now, as on a full disk. Trying again may help.
    #[error("{backend} is out of reach")]
    Unavailable {
        /// Which backend, and where.
        backend: String,
        /// What its driver said.
        source: BoxError,
    },
    /// The backend answered and refused: a wrong password, a file that was deleted, a file that is no database. Trying
    /// again does not help; what the driver said tells what does.
    #[error("{backend} refused: {reason}")]
    Refused {
        /// Which backend, and where.
        backend: String,
        /// What it refused and what to do.
        reason: String,
        /// What its driver said.
        source: BoxError,
    },
    /// The backend's user lacks a permission, which concerns every queue. Trying again does not help.
    #[error("{backend} refused: {reason}")]
    Denied {
        /// Which backend, and where.
        backend: String,
        /// What the user may not do.
        reason: String,
        /// What its driver said.
        source: BoxError,
    },
    /// A file that the settings name cannot be used.
    #[error("cannot use the file `{}`: {reason}", .path.display())]
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// What is wrong with it, and what would be right.
        reason: String,
        /// What reading it failed of.
        source: BoxError,
    },
    /// Something else than mosquito keeps its data under one of mosquito's keys.
    #[error(
        "the key `{key}` holds a {found} that is not mosquito's, which keeps a {expected} there; choose another prefix, or move that key away"
    )]
    ForeignKey {
        /// The key.
        key: String,
        /// The type of value found there.
        found: String,
        /// The type of value that belongs there.
        expected: &'static str,
    },
    /// A name has a character that no name may have, or is empty or too long.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The arguments of a job did not serialize.
    #[error("the arguments of job `{job}` do not serialize")]
    Unserializable {
        /// The job.
        job: String,
        /// What serde said.
        source: BoxError,
    },
    /// The arguments of an enqueued run do not decode as its job, whose runner would put it into `dead`.
    #[error("the arguments of a run of job `{job}` do not decode")]
    Undecodable {
        /// The job.
        job: String,
        /// Why, and at which field.
        source: BoxError,
    },
    /// The arguments of a job are larger than the limit.
    #[error(
        "the arguments of job `{job}` take {size} bytes, more than the limit of {limit}; enqueue a reference to the data instead, or raise `payload_limit`"
    )]
    PayloadTooLarge {
        /// The job.
        job: String,
        /// The size of its arguments as JSON, in bytes.
        size: usize,
        /// The most that is taken, in bytes.
        limit: usize,
    },
    /// A bulk enqueue stopped on the way. What was enqueued before stays enqueued.
    #[error("at least the first {enqueued} runs were enqueued, and then it failed")]
    Incomplete {
        /// How many runs are safely in the store, in the order given. When the store went out of reach, a few more may be;
        /// in a queue with [partitions](crate::guide::partitions) those of other partitions, up to 8,000.
        enqueued: usize,
        /// Why the next one is not.
        source: Box<Error>,
    },
    /// The runs are enqueued, but less safe than was asked, or nobody can tell. From
    /// [`Durable::confirmed`](crate::Durable::confirmed) only.
    #[error("it is enqueued, but not known to be {wanted}: {shortfall}")]
    LessDurable {
        /// What was asked for.
        wanted: String,
        /// What is lacking.
        shortfall: String,
    },
    /// Another run is there that keeps this one away, and the [unique](crate::Unique) job rejects such. Nothing was enqueued.
    #[error("a run of job `{job}` like it is there already: {id}")]
    Duplicate {
        /// The job.
        job: String,
        /// The run that is there.
        id: RunId,
    },
    /// What an enqueue says of how its run [flows](crate::Flow) cannot be: a limit of 0, a time that is none.
    #[error("a run of job `{job}` cannot flow so: {reason}")]
    Flow {
        /// The job.
        job: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An [`EnqueueMiddleware`](crate::middleware::EnqueueMiddleware) refused the runs: none of that call is enqueued.
    #[error("enqueueing job `{job}` was refused by {by}: {reason}")]
    EnqueueRefused {
        /// The job.
        job: String,
        /// Who refused.
        by: String,
        /// Why.
        reason: String,
    },
    /// A setting of the [`Configuration`](crate::Configuration) was refused: it is as it was.
    #[error("cannot set `{setting}`: {reason}")]
    Setting {
        /// The setting, as it stands in the store.
        setting: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// What was to be done with the [`Metadata`](crate::Metadata) of a job cannot be: it is as it was.
    #[error("the metadata `{key}` of job `{job}` {reason}")]
    Metadata {
        /// The job.
        job: String,
        /// The key, or the beginning of it.
        key: String,
        /// What is wrong with it.
        reason: String,
        /// What serde said, if it was asked.
        source: Option<BoxError>,
    },
    /// A runner was not built: everything that is wrong with it.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Error {
    /// Whether the same call may succeed later without anybody's doing.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::Incomplete { source, .. } => source.is_transient(),
            _ => false,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut told = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Some drivers say the same as what they wrap.
            let words = error.to_string();
            if words != told {
                write!(f, "\n  because: {words}")?;
                told = words;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Everything that keeps a runner from being built, in one list.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError {
    problems: Vec<String>,
}

impl BuildError {
    pub(crate) fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// One sentence for each thing that is wrong.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => f.write_str("the runner cannot start:")?,
            n => write!(f, "the runner cannot start, for {n} reasons:")?,
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for BuildError {}

/// A URL that can be shown: what stands between `:` and `@` is left out, and what stands behind `password=`. One that
/// is so malformed that a password could be anywhere shows its scheme only.
pub(crate) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    let (before, behind) = match rest.find("password=") {
        Some(at) => rest.split_at(at + "password=".len()),
        None => (rest, ""),
    };
    let (shown, end) = match before.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split([':', '/', '?']).next().unwrap_or_default();
            (format!("{user}:***@{host}"), behind)
        }
        None if behind.contains('@') => return format!("{scheme}://***"),
        None => (before.into(), behind),
    };
    match (end, end.split_once('&')) {
        ("", _) => format!("{scheme}://{shown}"),
        (_, Some((_, more))) if !more.contains("password=") => format!("{scheme}://{shown}***&{more}"),
        _ => format!("{scheme}://{shown}***"),
    }
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("redis://u:p@ss@host/1"), "redis://u:***@host/1");
        assert_eq!(without_password("redis://:p@host"), "redis://:***@host");
        assert_eq!(without_password("redis://host"), "redis://host");
        assert_eq!(without_password("redis://u:a/b?c@host/1"), "redis://u:***@host/1");
        let shown = |rest: &str| without_password(&format!("redis+sentinel://{rest}"));
        assert_eq!(shown("a:1,b:2/jobs/1"), "redis+sentinel://a:1,b:2/jobs/1");
        assert_eq!(shown("u:p@a:1,b:2/jobs"), "redis+sentinel://u:***@a:1,b:2/jobs");
        assert_eq!(
            shown("u:p@a/jobs?sentinel_user=s&sentinel_password=q"),
            "redis+sentinel://u:***@a/jobs?sentinel_user=s&sentinel_password=***"
        );
        assert_eq!(
            shown("a/jobs?sentinel_password=q&sentinel_user=s"),
            "redis+sentinel://a/jobs?sentinel_password=***&sentinel_user=s"
        );
        for secret in [
            "a/jobs?sentinel_password=SEC@RET",
            "a/jobs?sentinel_password=x&sentinel_password=SECRET",
            "u:p@a/jobs?sentinel_password=SEC@RET",
            "u:SEC?sentinel_password=RET@a/jobs",
            "u:SEC@RET@a/jobs",
            "u:SEC/RET@a/jobs",
        ] {
            let shown = shown(secret);
            assert!(!shown.contains("SEC") && !shown.contains("RET"), "{secret} is shown as {shown}");
        }
    }
}
