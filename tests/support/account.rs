//! What became of everything that a fault hit.

use std::fmt;
use std::time::Duration;

/// What became of everything, as one line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name of the test.
    pub name: String,
    /// How many promised runs were performed to their end.
    pub runs: usize,
    /// How many faults there were.
    pub faults: usize,
    /// How often a run was performed to its end once more.
    pub reruns: usize,
    /// How many runs were taken back from the dead.
    pub rescues: u64,
    /// How many runs were banished as poisoned.
    pub poisoned: u64,
    /// How many settlements were refused, because their claim did not stand any more.
    pub refused: u64,
    /// The longest time from the death of a process until a run that it had begun was begun again.
    pub longest_rescue: Option<Duration>,
    /// All that must not be, in sentences.
    pub violations: Vec<String>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, runs, faults, reruns, rescues, poisoned, refused, longest_rescue, .. } = self;
        let longest =
            longest_rescue.map_or("–".into(), |longest| format!("{:.1} s", longest.as_secs_f64()));
        write!(
            f,
            "fault | {name} | runs {runs} | faults {faults} | re-runs {reruns} | rescues {rescues} | poisoned {poisoned} | refused {refused} | longest rescue {longest}"
        )
    }
}
