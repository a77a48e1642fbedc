//! What a store says of one queue, and does in it, so that its runs can be picked.

use super::{JobPause, Level, Turns};
use crate::flow::{Concurrency, RateLimit, RateState, StoredFlow};
use crate::name::RunId;

/// A run at the front of its lane.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) id: RunId,
    /// Nothing for a plain run.
    pub(crate) flow: Option<StoredFlow>,
    /// Whether it was ever claimed before: then it cannot expire.
    pub(crate) attempted: bool,
}

/// How a lane with a key stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Standing {
    /// Its runs can be claimed.
    Ready,
    /// Not before this time, in ms since 1970.
    Blocked(i64),
    /// At a full slot, `limit/key`; or at `=job`, while that job is paused.
    Parked(String),
}

/// What a store that is written in Rust can say of one queue, and do in it, within one move.
pub(crate) trait Ground {
    type Error;

    fn turns(&self) -> Result<Turns, Self::Error>;
    fn save_turns(&mut self, turns: &Turns) -> Result<(), Self::Error>;

    /// The levels with something ready, the most urgent first.
    fn levels(&self) -> Result<Vec<Level>, Self::Error>;
    /// The ready lane with a key, of a level, that has the smallest turn; and whether it is the only one.
    fn first_lane(&self, level: u8) -> Result<Option<(String, bool)>, Self::Error>;
    /// Up to so many runs from the front of a lane.
    fn head(&self, lane: &str, at_most: usize) -> Result<Vec<Head>, Self::Error>;
    /// Takes runs, the first of their lane, out of it: they are claimed, or gone.
    fn leave(&mut self, lane: &str, runs: &[RunId]) -> Result<(), Self::Error>;
    /// Removes a run that has left its lane from the store.
    fn forget(&mut self, run: &RunId) -> Result<(), Self::Error>;

    /// How a lane with a key stands, and its turn; nothing when it is not in use.
    fn standing(&self, lane: &str) -> Result<Option<(u64, Standing)>, Self::Error>;
    fn stand(&mut self, lane: &str, turn: u64, standing: &Standing) -> Result<(), Self::Error>;
    /// Forgets a lane that has no runs.
    fn clear(&mut self, lane: &str) -> Result<(), Self::Error>;
    /// Up to so many lanes that are blocked until `now` or before, with their turns: by that time, and by turn.
    fn due_lanes(&self, now: i64, at_most: usize) -> Result<Vec<(String, u64)>, Self::Error>;
    /// Up to so many lanes that are parked at a slot, with their turns: by turn.
    fn parked(&self, slot: &str, at_most: usize) -> Result<Vec<(String, u64)>, Self::Error>;

    /// Whether any lane may be parked, at whichever slot. Asked first, because most often none is.
    fn anything_parked(&self) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn slot_rule(&self, limit: &str) -> Result<Option<Concurrency>, Self::Error>;
    fn slots_used(&self, slot: &str) -> Result<usize, Self::Error>;
    fn take_slot(&mut self, slot: &str, run: &RunId) -> Result<(), Self::Error>;
    /// Gives a slot back; whether the run had it.
    fn free_slot(&mut self, slot: &str, run: &RunId) -> Result<bool, Self::Error>;

    fn rate_rule(&self, limit: &str) -> Result<Option<RateLimit>, Self::Error>;
    fn rate(&self, key: &str) -> Result<Option<RateState>, Self::Error>;
    /// Remembers a rate until it fades, in ms since 1970.
    fn save_rate(&mut self, key: &str, state: &RateState, fades: i64) -> Result<(), Self::Error>;

    /// Lets go of a unique key, if that run has it.
    fn release_unique(&mut self, key: &str, run: &RunId) -> Result<(), Self::Error>;

    /// The jobs that are paused, and those whose pause is over and not forgotten; in the order of their names.
    fn job_pauses(&self, now: i64) -> Result<Vec<JobPause>, Self::Error>;
    fn forget_job_pause(&mut self, job: &str) -> Result<(), Self::Error>;
    /// The job of a run; nothing when its envelope cannot be read.
    fn job_of(&self, run: &RunId) -> Result<Option<String>, Self::Error>;
    /// Gives a waiting run this flow, and has it wait at the back of its lane.
    fn put_aside(&mut self, run: &RunId, flow: &StoredFlow) -> Result<(), Self::Error>;
}
