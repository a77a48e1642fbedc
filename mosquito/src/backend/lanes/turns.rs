//! Whose turn it is, between levels and between the lanes of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::flow::Priority;

/// A level that was passed over so often goes first once.
const PATIENCE: u32 = 100;

/// Whose turn it is in a queue. Its JSON is how a store keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Turns {
    /// For each level, how many runs of more urgent ones were claimed while some of its own could have been.
    #[serde(default)]
    passed: [u32; Priority::LEVELS],
    /// The levels in which the next turn is that of a lane with a key, where runs without one wait too.
    #[serde(default)]
    keyed_next: [bool; Priority::LEVELS],
    /// The number of the latest turn: a lane with a smaller one comes first.
    #[serde(default)]
    latest: u64,
    /// By level, the lane in the middle of its turn, and how many of its runs went in it so far.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    served: BTreeMap<u8, (String, u32)>,
}

/// What of a level can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) level: u8,
    /// Whether runs without a key wait.
    pub(crate) unkeyed: bool,
    /// Whether a lane with a key is ready.
    pub(crate) keyed: bool,
}

impl Turns {
    /// The number of a turn behind all others.
    pub(crate) fn next(&mut self) -> u64 {
        self.latest += 1;
        self.latest
    }

    /// How many runs a lane has left of its turn, of so many.
    pub(super) fn left(&self, level: u8, lane: &str, weight: u32) -> usize {
        let served =
            self.served.get(&level).filter(|(served, _)| served == lane).map_or(0, |(_, runs)| *runs);
        weight.saturating_sub(served).max(1) as usize
    }

    /// That so many more runs of a lane went in its turn, which goes on.
    pub(super) fn serve(&mut self, level: u8, lane: &str, runs: usize) {
        let before =
            self.served.remove(&level).filter(|(served, _)| served == lane).map_or(0, |(_, runs)| runs);
        let runs = before.saturating_add(u32::try_from(runs).unwrap_or(u32::MAX));
        self.served.insert(level, (lane.into(), runs));
    }

    /// That the turn of a level's first lane is over.
    pub(super) fn end_turn(&mut self, level: u8) {
        self.served.remove(&level);
    }

    /// The level to claim from, and how many runs at most before it is asked again. `levels` are those that have any, the most
    /// urgent first.
    pub(super) fn choose(&mut self, levels: &[Level], at_most: usize) -> Option<(Level, usize)> {
        for level in 0..Priority::LEVELS {
            if !levels.iter().any(|ready| usize::from(ready.level) == level) {
                self.passed[level] = 0;
            }
        }
        let (first, others) = levels.split_first()?;
        // The one that was passed over most often; of several, the least urgent.
        let starved = others.iter().max_by_key(|level| self.passed[usize::from(level.level)]);
        match starved.map(|level| (level, self.passed[usize::from(level.level)])) {
            Some((level, PATIENCE..)) => Some((*level, at_most.min(1))),
            Some((_, passed)) => Some((*first, at_most.min((PATIENCE - passed) as usize))),
            None => Some((*first, at_most)),
        }
    }

    /// That so many runs were claimed from a level.
    pub(super) fn took(&mut self, level: Level, runs: usize, levels: &[Level]) {
        if runs == 0 {
            return;
        }
        self.passed[usize::from(level.level)] = 0;
        for passed_over in levels.iter().filter(|other| other.level > level.level) {
            let passed = &mut self.passed[usize::from(passed_over.level)];
            *passed = passed.saturating_add(u32::try_from(runs).unwrap_or(u32::MAX));
        }
    }

    /// Whether the next turn in a level is that of a lane with a key, where both wait. They take turns.
    pub(super) fn keyed_goes_next(&mut self, level: u8) -> bool {
        let next = &mut self.keyed_next[usize::from(level)];
        *next = !*next;
        !*next
    }
}
