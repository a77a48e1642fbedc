//! What a look at a store found that its operator should know.

use std::fmt;
use std::time::Duration;

/// What a look at a store found. Nothing in it keeps anything from working now.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Checkup {
    /// What may lose runs, or slow them down.
    pub warnings: Vec<Warning>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// The median time of a few calls that do nothing, there and back.
    pub round_trip: Option<Duration>,
}

/// Something about a store that may lose runs, or slow them down. It reads as a sentence, with what to do.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named for what they hold")]
pub enum Warning {
    /// The server may throw keys away when its memory is full.
    MayEvict { policy: String },
    /// The server keeps no log: what came since its last snapshot, if it makes any, is gone when it dies.
    NoLog,
    /// The server leaves it to its operating system when the log is synced.
    LogNotSynced,
    /// The clocks of the server and of this machine differ. No two clocks are compared to decide anything, but times that
    /// applications pass as such mean something else on the server.
    ClocksDiffer { by: Duration, server_is_ahead: bool },
    /// A call takes long: each executor waits for some between two runs.
    FarAway { round_trip: Duration },
    /// The file is on a file system that is not made for it.
    FileSystem { kind: String, why: &'static str },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MayEvict { policy } => write!(
                f,
                "the server may throw runs away when its memory is full: its `maxmemory-policy` is `{policy}`; set it to `noeviction`"
            ),
            Self::NoLog => f.write_str(
                "the server loses runs when it dies, all since its last snapshot: its `appendonly` is `no`; set it to `yes`",
            ),
            Self::LogNotSynced => f.write_str(
                "a power cut loses more than a second of runs: the server's `appendfsync` is `no`; set it to `everysec` or `always`",
            ),
            Self::ClocksDiffer { by, server_is_ahead } => {
                let side = if *server_is_ahead { "ahead of" } else { "behind" };
                write!(f, "the server's clock is {by:.1?} {side} this machine's: what is enqueued `at` a time comes by the server's")
            }
            Self::FarAway { round_trip } => write!(
                f,
                "a call of the store takes {round_trip:.1?}: move closer to it, or perform more runs at once to make up for it"
            ),
            Self::FileSystem { kind, why } => write!(f, "the file is on a file system of type `{kind}`: {why}"),
        }
    }
}
