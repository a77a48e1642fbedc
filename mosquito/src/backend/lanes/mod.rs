//! Which waiting runs go next: levels, lanes, and the limits that hold them up.
//!
//! Waiting runs stand in **lanes**. Those without a key stand in the lane of their level, `0` to `9`; those under a limit, or
//! of a fair job, in a lane of all that share level and keys. What holds for the first of a lane holds for all of it: so a
//! claim looks at lanes, never past the runs of one.
//!
//! A keyed lane with runs is *ready* and has a turn, or it is *blocked* until a time by a rate limit, or *parked* at a
//! concurrency limit until a slot is free. What is not ready costs nothing until then.
//!
//! 1. Of the levels with something ready the most urgent goes first, unless another one was passed over a hundred times ([`Turns`]).
//! 2. Within a level, runs without a key and those of lanes take turns, one by one; among lanes the one with the smallest turn goes. It gives as many runs as its
//!    weight says, in one claim or in several, or as many as are wanted when it is the only one, and goes to the back of the line.
//! 3. A run that expired is removed. A full limit parks the lane and a rate limit blocks it: then it keeps its turn.
//!
//! 4. What is of a paused job goes to a lane of its own, which waits for the end of the pause ([`aside`]).
//!
//! Invariant: as many lanes are ready as a limit has slots free, of those that are parked there. Whoever frees a slot, looks at a lane
//! without using its slots up, or removes the last run of one that was to use them, wakes others.
//!
//! Stores that are written in Rust share this file, over what they can say of a queue, [`Ground`]; the scripts of Redis do the same.

mod aside;
mod ground;
mod turns;

use std::collections::BTreeSet;

use crate::flow::{Admission, RateState, StoredFlow, StoredUntil, is_unkeyed, level_of};
use crate::name::RunId;

pub(crate) use aside::{JobPause, job_of, wake_resumed};
pub(crate) use ground::{Ground, Head, Standing};
pub(crate) use turns::{Level, Turns};

/// How many lanes one claim looks at without getting a run from them, and how many it makes ready that were blocked, or parked at
/// one slot.
pub(crate) const LANES_PER_CALL: usize = 100;

/// After so many runs that waited too long a claim ends with what it has: the next one goes on.
const EXPIRED_PER_CALL: usize = 1_000;

/// What a claim got.
#[derive(Debug, Default)]
pub(crate) struct Picked {
    /// The runs that are claimed, in order: they have left their lanes, and have their slots.
    pub(crate) runs: Vec<RunId>,
    /// The runs that were removed, because they waited too long.
    pub(crate) expired: Vec<RunId>,
}

/// Picks the runs that go next.
pub(crate) fn pick<G: Ground>(ground: &mut G, at_most: usize, now: i64) -> Result<Picked, G::Error> {
    wake_due(ground, now, LANES_PER_CALL)?;
    let before = ground.turns()?;
    let pauses = ground.job_pauses(now)?.into_iter().filter(|pause| !pause.is_over);
    let paused = pauses.map(|pause| pause.job).collect();
    let (turns, picked) = (before.clone(), Picked::default());
    let mut pick = Pick { turns, ground, now, paused, picked, patience: LANES_PER_CALL };
    while pick.picked.runs.len() < at_most && pick.goes_on() {
        let levels = pick.ground.levels()?;
        let Some((level, room)) = pick.turns.choose(&levels, at_most - pick.picked.runs.len()) else { break };
        let took = pick.serve_level(level, room)?;
        pick.turns.took(level, took, &levels);
    }
    let Pick { turns, picked, .. } = pick;
    if turns != before {
        ground.save_turns(&turns)?;
    }
    Ok(picked)
}

/// Makes lanes ready that were blocked until now, or whose job is paused no more.
pub(crate) fn wake_due<G: Ground>(ground: &mut G, now: i64, at_most: usize) -> Result<usize, G::Error> {
    let due = ground.due_lanes(now, at_most)?;
    for (lane, turn) in &due {
        ground.stand(lane, *turn, &Standing::Ready)?;
    }
    Ok(due.len() + wake_resumed(ground, now, at_most - due.len())?)
}

/// Has a keyed lane stand in line, where a run has come to it.
pub(crate) fn line_up<G: Ground>(ground: &mut G, lane: &str) -> Result<(), G::Error> {
    if !is_unkeyed(lane) && ground.standing(lane)?.is_none() {
        let mut turns = ground.turns()?;
        let turn = turns.next();
        ground.save_turns(&turns)?;
        ground.stand(lane, turn, &Standing::Ready)?;
    }
    Ok(())
}

/// Gives back what a run has while it is pending.
pub(crate) fn left_pending<G: Ground>(
    ground: &mut G,
    run: &RunId,
    flow: &StoredFlow,
) -> Result<(), G::Error> {
    for slot in &flow.slots {
        if ground.free_slot(slot, run)? {
            wake_parked(ground, slot)?;
        }
    }
    Ok(())
}

/// Takes a lane out of the line, where a run was removed from it and none is left: others go in its place.
pub(crate) fn left_lane<G: Ground>(ground: &mut G, flow: &StoredFlow) -> Result<(), G::Error> {
    let lane = &flow.lane;
    if is_unkeyed(lane) || !ground.head(lane, 1)?.is_empty() || ground.standing(lane)?.is_none() {
        return Ok(());
    }
    ground.clear(lane)?;
    for slot in &flow.slots {
        wake_parked(ground, slot)?;
    }
    Ok(())
}

/// Lets go of what a run keeps others away by, when it leaves the store. A time that was said goes on, unless the run is
/// `undone`: dead, cancelled or deleted.
pub(crate) fn left_store<G: Ground>(
    ground: &mut G,
    run: &RunId,
    flow: &StoredFlow,
    undone: bool,
) -> Result<(), G::Error> {
    match &flow.unique {
        Some(unique) if undone || unique.until != StoredUntil::For => ground.release_unique(&unique.key, run),
        _ => Ok(()),
    }
}

/// Makes as many lanes ready as a slot is free times, of those parked there.
fn wake_parked<G: Ground>(ground: &mut G, slot: &str) -> Result<(), G::Error> {
    if !ground.anything_parked()? {
        return Ok(());
    }
    let free = free(ground, slot)?;
    if free > 0 {
        // Those that are looked at next wake the others.
        for (lane, turn) in ground.parked(slot, free.min(LANES_PER_CALL))? {
            ground.stand(&lane, turn, &Standing::Ready)?;
        }
    }
    Ok(())
}

/// How often a slot is free. A limit without a rule limits nothing.
fn free<G: Ground>(ground: &G, slot: &str) -> Result<usize, G::Error> {
    let Some(rule) = ground.slot_rule(limit_of(slot))? else { return Ok(usize::MAX) };
    Ok((rule.limit as usize).saturating_sub(ground.slots_used(slot)?))
}

/// The limit of `limit/key`.
fn limit_of(name: &str) -> &str {
    name.split_once('/').map_or(name, |(limit, _)| limit)
}

struct Pick<'a, G> {
    ground: &'a mut G,
    turns: Turns,
    now: i64,
    /// The jobs whose runs are put aside.
    paused: BTreeSet<String>,
    picked: Picked,
    /// How many more lanes are looked at without getting a run from them, and runs put aside.
    patience: usize,
}

impl<G: Ground> Pick<'_, G> {
    /// Whether this call has not done enough.
    fn goes_on(&self) -> bool {
        self.patience > 0 && self.picked.expired.len() < EXPIRED_PER_CALL
    }

    fn serve_level(&mut self, level: Level, room: usize) -> Result<usize, G::Error> {
        let unkeyed = level.level.to_string();
        // No run comes while this goes on.
        let (mut took, mut waits) = (0, level.unkeyed);
        while took < room && self.goes_on() {
            if waits {
                waits = !self.ground.head(&unkeyed, 1)?.is_empty();
            }
            let lane = self.ground.first_lane(level.level)?;
            took += match (waits, lane) {
                (false, None) => break,
                (true, None) => self.serve_unkeyed(&unkeyed, room - took)?,
                (false, Some((lane, alone))) => self.serve_lane(&lane, room - took, alone)?,
                (true, Some((lane, _))) => match self.turns.keyed_goes_next(level.level) {
                    false => self.serve_unkeyed(&unkeyed, 1)?,
                    true => self.serve_lane(&lane, 1, false)?,
                },
            };
        }
        Ok(took)
    }

    fn serve_unkeyed(&mut self, lane: &str, room: usize) -> Result<usize, G::Error> {
        if !self.put_aside(lane, room)? {
            return Ok(0);
        }
        let runs = self.ground.head(lane, room)?;
        let ids: Vec<RunId> = runs.iter().map(|run| run.id.clone()).collect();
        self.ground.leave(lane, &ids)?;
        let mut took = 0;
        for run in runs {
            took += usize::from(self.take(run)?);
        }
        if took == 0 {
            self.patience = self.patience.saturating_sub(1);
        }
        Ok(took)
    }

    fn serve_lane(&mut self, lane: &str, room: usize, alone: bool) -> Result<usize, G::Error> {
        if !self.put_aside(lane, room)? {
            return Ok(0);
        }
        // One more than may go tells whether that is all. Most lanes give one run.
        let mut line = self.ground.head(lane, 2)?;
        let Some(flow) = line.first().and_then(|first| first.flow.clone()) else {
            self.patience = self.patience.saturating_sub(1);
            self.ground.clear(lane)?;
            return Ok(0);
        };
        if self.parks(lane, &flow.slots)? {
            return Ok(0);
        }
        let level = level_of(lane);
        let due = if alone { usize::MAX } else { self.turns.left(level, lane, flow.weight) };
        let quantum = room.min(due);
        let mut full = None;
        let mut free = usize::MAX;
        for slot in &flow.slots {
            let left = self::free(self.ground, slot)?;
            if left < free {
                (free, full) = (left, Some(slot.clone()));
            }
        }
        let rule = match &flow.rate {
            Some(rate) => self.ground.rate_rule(limit_of(&rate.key))?,
            None => None,
        };
        let mut state = None;
        if let (Some(rate), Some(rule)) = (&flow.rate, &rule) {
            state = Some(self.ground.rate(&rate.key)?.unwrap_or_else(|| RateState::empty(rule)));
        }
        let (mut took, mut left, mut blocked) = (0, Vec::new(), None);
        if quantum > 1 && line.len() > 1 {
            line = self.ground.head(lane, quantum.saturating_add(1))?;
        }
        let all = line.len();
        for run in line.into_iter().take(quantum) {
            let expired = self.is_expired(&run);
            if !expired && free == took {
                break;
            }
            if let (false, Some(state), Some(rule)) = (expired, &mut state, &rule) {
                let weight =
                    run.flow.as_ref().and_then(|flow| flow.rate.as_ref()).map_or(1, |rate| rate.weight);
                if let Admission::NotBefore(time) = state.admit(rule, weight, self.now) {
                    blocked = Some(time);
                    break;
                }
            }
            took += usize::from(!expired);
            left.push(run);
        }
        if let (true, Some(rate), Some(state)) = (took > 0, &flow.rate, &state) {
            self.ground.save_rate(&rate.key, state, state.fades())?;
        }
        let ids: Vec<RunId> = left.iter().map(|run| run.id.clone()).collect();
        self.ground.leave(lane, &ids)?;
        let served = left.len();
        for run in left {
            self.take(run)?;
        }
        let is_empty = served == all;
        let full = full.filter(|_| took == free);
        let goes_on =
            !alone && !is_empty && blocked.is_none() && full.is_none() && (1..due).contains(&served);
        match (is_empty, blocked, full) {
            (true, ..) => self.ground.clear(lane)?,
            (false, Some(time), _) => {
                let turn = self.turn_of(lane)?;
                self.ground.stand(lane, turn, &Standing::Blocked(time))?;
            }
            (false, None, Some(slot)) => {
                let turn = if took == 0 { self.turn_of(lane)? } else { self.turns.next() };
                self.ground.stand(lane, turn, &Standing::Parked(slot))?;
            }
            (false, None, None) if goes_on => self.turns.serve(level, lane, served),
            (false, None, None) => {
                let turn = self.turns.next();
                self.ground.stand(lane, turn, &Standing::Ready)?;
            }
        }
        if !goes_on {
            self.turns.end_turn(level);
        }
        for slot in &flow.slots {
            wake_parked(self.ground, slot)?;
        }
        if took == 0 {
            self.patience = self.patience.saturating_sub(1);
        }
        Ok(took)
    }

    /// The turn that a lane has.
    fn turn_of(&self, lane: &str) -> Result<u64, G::Error> {
        Ok(self.ground.standing(lane)?.map_or(0, |(turn, _)| turn))
    }

    /// Claims a run that has left its lane, unless it has expired; whether it was claimed.
    fn take(&mut self, run: Head) -> Result<bool, G::Error> {
        let expired = self.is_expired(&run);
        let Head { id, flow, .. } = run;
        if expired {
            if let Some(flow) = &flow {
                left_store(self.ground, &id, flow, true)?;
            }
            self.ground.forget(&id)?;
            self.picked.expired.push(id);
            return Ok(false);
        }
        if let Some(flow) = &flow {
            for slot in &flow.slots {
                self.ground.take_slot(slot, &id)?;
            }
            if let Some(unique) = flow.unique.as_ref().filter(|unique| unique.until == StoredUntil::Start) {
                self.ground.release_unique(&unique.key, &id)?;
            }
        }
        self.picked.runs.push(id);
        Ok(true)
    }

    fn is_expired(&self, run: &Head) -> bool {
        let expires = run.flow.as_ref().and_then(|flow| flow.expires);
        !run.attempted && expires.is_some_and(|expires| expires <= self.now)
    }
}
