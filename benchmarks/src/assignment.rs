//! What a child process is told to do, as JSON, and what it answers: the same for Rust and Node.
//!
//! ```text
//! parent                         worker                              enqueuer
//!   starts it with an assignment   → ready                             → ready
//!   go                             connects and performs               enqueues all, → {"micros": …}
//!                                  → performed  (every run was, once or more)
//!   report                         → {"performed": …}                  (ends by itself)
//!   closes its input               ends                                ends
//! ```

use serde::{Deserialize, Serialize};

/// What one child process is for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Assignment {
    pub(crate) contestant: String,
    pub(crate) url: String,
    pub(crate) work: Work,
    /// Of so many runs, numbered from 0.
    pub(crate) runs: usize,
    /// A worker notes how late each run is.
    pub(crate) timed: bool,
    pub(crate) role: Role,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Worker { executors: usize },
    Enqueuer { how: How },
}

/// Which features the runs use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// None.
    Plain,
    /// Each tenth run fails at its first attempt and is tried again as soon as the contestant allows.
    Retry,
    /// Each run has a unique key of its own.
    Unique,
    /// All runs are under one rate limit, which is checked and never reached: a million a second.
    Limited,
    /// Runs are due later: at `Arguments::at`.
    Scheduled,
}

/// How runs are enqueued.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum How {
    /// One by one: the next is sent when the one before it was answered.
    One,
    /// By so many tasks of one process that share a client, each one by one.
    Concurrent { tasks: usize },
    /// By the contestant's own means for many at once.
    Bulk,
    /// One by one, with random pauses in between of so many µs on average.
    Gaps { micros: u64 },
    /// At fixed moments, so many in a second, whether or not earlier ones were answered.
    Paced { per_second: f64 },
    /// Now, but due from `after` ms on, spread over `over` ms.
    Ahead { after: u64, over: u64 },
}

/// What an enqueuer answers.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Enqueued {
    /// From `go` to the last answer.
    pub(crate) micros: u64,
}

/// What a worker answers: its ledger.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Performed {
    /// So many runs were performed, once or more.
    pub(crate) performed: usize,
    /// So many were performed to the end more than once.
    pub(crate) doubled: usize,
    /// Of each run that says when it was meant to begin, how many µs later it did.
    pub(crate) latencies: Vec<u64>,
}

/// The arguments of a run, about 60 bytes as JSON: the same for all.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Arguments {
    /// From `FIRST` on, so that all have the same length.
    pub(crate) id: u64,
    /// When it was meant to begin, by [`clock::now`](crate::clock::now); 0 when nobody asks.
    pub(crate) at: u64,
    pub(crate) to: String,
}

impl Arguments {
    /// The id of run 0.
    pub(crate) const FIRST: u64 = 1_000_000;

    pub(crate) fn of(number: usize, at: u64) -> Self {
        Self { id: Self::FIRST + number as u64, at, to: "somebody@example.com".into() }
    }

    pub(crate) fn number(&self) -> usize {
        (self.id - Self::FIRST) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    #[test]
    fn arguments_are_about_sixty_bytes() {
        let json = serde_json::to_string(&Arguments::of(7, 123_456_789_012)).unwrap();

        assert!((55..=65).contains(&json.len()), "{json} has {}", json.len());
    }
}
