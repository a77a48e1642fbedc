//! The names that reach a store: of queues, jobs, runs and overseers.
//!
//! All share one alphabet, `A-Z a-z 0-9 _ . : -`, so that any of them can stand in a key, a URL, a log
//! line or a shell without escaping. A name is checked where it is made; whoever holds one can trust it. Only the store's
//! queues that are partitions of one have a `~`, before their number.

mod partition;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

pub(crate) use partition::MOST_PARTITIONS;

/// A name was refused: it says which, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` cannot be a {kind}: {reason}; a {kind} is 1 to {limit} of the characters A-Z a-z 0-9 _ . : -"
)]
pub struct NameError {
    kind: &'static str,
    name: String,
    reason: String,
    limit: usize,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $limit:literal) => {
        name! { $(#[$doc])* $name, $kind, $limit, |name| Ok::<_, String>(name), "" }
    };
    ($(#[$doc:meta])* $name:ident, $kind:literal, $limit:literal, $checked:expr, $also:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks a name.
            ///
            /// # Errors
            ///
            #[doc = concat!("Unless it is 1 to ", stringify!($limit), " of the characters `A-Z a-z 0-9 _ . : -`", $also, ".")]
            pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
                let name = name.as_ref();
                match $checked(name).and_then(|checked| check(checked, $limit)) {
                    Ok(()) => Ok(Self(name.into())),
                    Err(reason) => {
                        let name: String = name.chars().take(200).collect();
                        Err(NameError { kind: $kind, name, reason, limit: $limit })
                    }
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }
        }
    };
}

name! {
    /// The name of a queue.
    ///
    /// ```
    /// use mosquito::QueueName;
    ///
    /// assert_eq!(QueueName::new("mail")?.as_str(), "mail");
    /// assert!(QueueName::new("mail queue").is_err());
    /// # Ok::<(), mosquito::NameError>(())
    /// ```
    ///
    /// Of a queue that is declared with [partitions](crate::guide::partitions), `events`, a store has several queues: `events` itself, and
    /// `events~0`, `events~1`, and so on.
    QueueName, "queue name", 128, partition::whole_of, ", and for a partition `~` and its number behind them"
}

name! {
    /// The name under which a job type is stored: the struct's in snake_case, unless `#[job(name = "..")]` says another.
    JobName, "job name", 128
}

name! {
    /// The name of a limit within a queue: that of the job that declares it, or the `key` that several jobs share.
    LimitName, "limit name", 128
}

name! {
    /// The id of one run. Unless given, it is a random one that sorts by the time it was made.
    RunId, "run id", 160
}

name! {
    /// The id of one overseer: a random one per start, never a host name or process id, which may come back.
    OverseerId, "overseer id", 64
}

name! {
    /// The name by which operators address the overseers of a process: chosen by whoever starts it, and the same after each
    /// start. Several may share it.
    OverseerName, "name of an overseer", 128
}

impl RunId {
    /// A new id, unlike any other.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid_text(&mut Uuid::encode_buffer()).into())
    }

    /// An id that stands in a store, whoever put it there: what is stored is handled, not refused.
    #[cfg(feature = "redis")]
    pub(crate) fn stored(id: &str) -> Self {
        Self(id.into())
    }

    /// The id of a periodic job's run: the same for everyone who works out the same tick.
    #[must_use]
    pub fn of_tick(job: &JobName, tick: crate::Timestamp) -> Self {
        Self(format!("{job}:{}", tick.timestamp_millis()).into())
    }
}

impl OverseerId {
    /// A new id, unlike any other.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid_text(&mut Uuid::encode_buffer()).into())
    }
}

fn uuid_text(buffer: &mut [u8]) -> &str {
    Uuid::now_v7().simple().encode_lower(buffer)
}

fn check(name: &str, limit: usize) -> Result<(), String> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(byte);
    if name.as_bytes().iter().all(fits) && (1..=limit).contains(&name.len()) {
        return Ok(());
    }
    if name.is_empty() {
        return Err("it is empty".into());
    }
    if let Some(bad) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "_.:-".contains(*c))) {
        return Err(format!("it has the character {bad:?}"));
    }
    Err(format!("it has {} characters", name.len()))
}

#[cfg(test)]
mod tests {
    use super::{JobName, QueueName, RunId};

    #[test]
    fn a_refused_name_is_told_what_is_wrong_with_it() {
        let told = |name: &str| QueueName::new(name).unwrap_err().to_string();

        assert!(told("").contains("it is empty"));
        assert!(told("a b").contains("it has the character ' '"));
        assert!(told("{mail}").contains("it has the character '{'"));
        assert!(told("märz").contains("it has the character 'ä'"));
        assert!(told(&"x".repeat(129)).contains("it has 129 characters"));
        assert!(told("a b").contains("1 to 128 of the characters A-Z a-z 0-9 _ . : -"));
    }

    #[test]
    fn the_longest_job_name_still_makes_a_tick_id() {
        let job = JobName::new("j".repeat(128)).unwrap();

        let id = RunId::of_tick(&job, crate::Timestamp::MAX_UTC);

        assert!(RunId::new(id.as_str()).is_ok());
    }
}
