//! The lanes in which runs wait.

use std::convert::Infallible;

use super::Queue;
use super::flows::Flows;
use crate::backend::lanes::{
    Ground, Head, JobPause, Level, Picked, Standing, Turns, job_of, left_lane, line_up, pick, wake_due,
};
use crate::clock::{self, Timestamp};
use crate::flow::{Concurrency, Priority, RateLimit, RateState, StoredFlow, is_unkeyed, level_of};
use crate::name::RunId;

/// The lane of plain runs.
pub(super) const PLAIN: &str = "5";

impl Queue {
    pub(super) fn pick(&mut self, at_most: usize, now: Timestamp) -> Picked {
        let Ok(picked) = pick(self, at_most, now.timestamp_millis());
        picked
    }

    /// Makes lanes ready that were blocked until now, and forgets what fades.
    pub(super) fn wake_due(&mut self, at_most: usize, now: Timestamp) -> usize {
        let now = now.timestamp_millis();
        self.flows.rates.retain(|_, (_, fades)| now < *fades);
        self.flows.unique.retain(|_, holder| holder.until.is_none_or(|until| now < until));
        let Ok(woken) = wake_due(self, now, at_most);
        woken
    }

    pub(super) fn wait_behind(&mut self, id: &RunId) {
        let lane = self.lane_of(id);
        self.lanes.entry(lane.clone()).or_default().push_back(id.clone());
        let Ok(()) = line_up(self, &lane);
    }

    pub(super) fn wait_in_front(&mut self, id: &RunId) {
        let lane = self.lane_of(id);
        self.lanes.entry(lane.clone()).or_default().push_front(id.clone());
        let Ok(()) = line_up(self, &lane);
    }

    pub(super) fn wait_no_more(&mut self, id: &RunId) {
        self.wait_no_more_in(&self.lane_of(id), id);
        if let Some(flow) = self.runs.get(id).and_then(|run| run.flow.clone()) {
            let Ok(()) = left_lane(self, &flow);
        }
    }

    fn wait_no_more_in(&mut self, lane: &str, id: &RunId) {
        if let Some(waiting) = self.lanes.get_mut(lane) {
            waiting.retain(|waiting| waiting != id);
            if waiting.is_empty() {
                self.lanes.remove(lane);
            }
        }
    }

    pub(super) fn lane(&self, lane: &str) -> impl Iterator<Item = &RunId> {
        self.lanes.get(lane).into_iter().flatten()
    }

    pub(super) fn other_lanes(&self) -> impl Iterator<Item = &RunId> {
        self.lanes.iter().filter(|(lane, _)| *lane != PLAIN).flat_map(|(_, runs)| runs)
    }

    /// Whether anything can be claimed now.
    pub(super) fn has_ready(&self) -> bool {
        let Ok(levels) = self.levels();
        !levels.is_empty()
    }

    fn lane_of(&self, id: &RunId) -> String {
        self.runs
            .get(id)
            .and_then(|run| run.flow.as_ref())
            .map_or_else(|| PLAIN.into(), |flow| flow.lane.clone())
    }
}

impl Ground for Queue {
    type Error = Infallible;

    fn turns(&self) -> Result<Turns, Infallible> {
        Ok(self.flows.turns.clone())
    }

    fn save_turns(&mut self, turns: &Turns) -> Result<(), Infallible> {
        self.flows.turns = turns.clone();
        Ok(())
    }

    fn levels(&self) -> Result<Vec<Level>, Infallible> {
        let all = (0..Priority::LEVELS as u8).map(|level| Level {
            level,
            unkeyed: self.lanes.contains_key(&level.to_string()),
            keyed: self.flows.ready(level).next().is_some(),
        });
        Ok(all.filter(|level| level.unkeyed || level.keyed).collect())
    }

    fn first_lane(&self, level: u8) -> Result<Option<(String, bool)>, Infallible> {
        let first = self.flows.ready(level).min();
        Ok(first.map(|(_, lane)| (lane.clone(), self.flows.ready(level).count() == 1)))
    }

    fn head(&self, lane: &str, at_most: usize) -> Result<Vec<Head>, Infallible> {
        let head = self.lane(lane).take(at_most).map(|id| {
            let run = &self.runs[id];
            let flow = run.flow.as_deref().cloned();
            Head { id: id.clone(), flow, attempted: run.history.attempts > 0 }
        });
        Ok(head.collect())
    }

    fn leave(&mut self, lane: &str, runs: &[RunId]) -> Result<(), Infallible> {
        if let Some(waiting) = self.lanes.get_mut(lane) {
            waiting.drain(..runs.len());
            if waiting.is_empty() {
                self.lanes.remove(lane);
            }
        }
        Ok(())
    }

    fn forget(&mut self, run: &RunId) -> Result<(), Infallible> {
        self.runs.remove(run);
        Ok(())
    }

    fn standing(&self, lane: &str) -> Result<Option<(u64, Standing)>, Infallible> {
        Ok(self.flows.standing.get(lane).cloned())
    }

    fn stand(&mut self, lane: &str, turn: u64, standing: &Standing) -> Result<(), Infallible> {
        self.flows.standing.insert(lane.into(), (turn, standing.clone()));
        Ok(())
    }

    fn clear(&mut self, lane: &str) -> Result<(), Infallible> {
        self.flows.standing.remove(lane);
        Ok(())
    }

    fn due_lanes(&self, now: i64, at_most: usize) -> Result<Vec<(String, u64)>, Infallible> {
        let mut due: Vec<_> = self
            .flows
            .standing
            .iter()
            .filter_map(|(lane, (turn, standing))| match standing {
                Standing::Blocked(time) if *time <= now => Some((*time, *turn, lane.clone())),
                _ => None,
            })
            .collect();
        due.sort();
        Ok(due.into_iter().take(at_most).map(|(_, turn, lane)| (lane, turn)).collect())
    }

    fn parked(&self, slot: &str, at_most: usize) -> Result<Vec<(String, u64)>, Infallible> {
        let at = Standing::Parked(slot.into());
        let mut parked: Vec<_> = self
            .flows
            .standing
            .iter()
            .filter(|(_, (_, standing))| *standing == at)
            .map(|(lane, (turn, _))| (*turn, lane.clone()))
            .collect();
        parked.sort();
        Ok(parked.into_iter().take(at_most).map(|(turn, lane)| (lane, turn)).collect())
    }

    fn slot_rule(&self, limit: &str) -> Result<Option<Concurrency>, Infallible> {
        Ok(self.flows.slot_rules.get(limit).copied())
    }

    fn slots_used(&self, slot: &str) -> Result<usize, Infallible> {
        Ok(self.flows.slots.iter().filter(|(taken, _)| taken == slot).count())
    }

    fn take_slot(&mut self, slot: &str, run: &RunId) -> Result<(), Infallible> {
        self.flows.slots.insert((slot.into(), run.clone()));
        Ok(())
    }

    fn free_slot(&mut self, slot: &str, run: &RunId) -> Result<bool, Infallible> {
        Ok(self.flows.slots.remove(&(slot.into(), run.clone())))
    }

    fn rate_rule(&self, limit: &str) -> Result<Option<RateLimit>, Infallible> {
        Ok(self.flows.rate_rules.get(limit).copied())
    }

    fn rate(&self, key: &str) -> Result<Option<RateState>, Infallible> {
        Ok(self.flows.rates.get(key).map(|(state, _)| state.clone()))
    }

    fn save_rate(&mut self, key: &str, state: &RateState, fades: i64) -> Result<(), Infallible> {
        self.flows.rates.insert(key.into(), (state.clone(), fades));
        Ok(())
    }

    fn release_unique(&mut self, key: &str, run: &RunId) -> Result<(), Infallible> {
        if self.flows.unique.get(key).is_some_and(|holder| holder.run == *run) {
            self.flows.unique.remove(key);
        }
        Ok(())
    }

    fn job_pauses(&self, now: i64) -> Result<Vec<JobPause>, Infallible> {
        Ok(self.paused.of_jobs(clock::from_millis(now)))
    }

    fn forget_job_pause(&mut self, job: &str) -> Result<(), Infallible> {
        self.paused.forget_job(job);
        Ok(())
    }

    fn job_of(&self, run: &RunId) -> Result<Option<String>, Infallible> {
        Ok(self.runs.get(run).and_then(|run| job_of(&run.envelope)))
    }

    fn put_aside(&mut self, run: &RunId, flow: &StoredFlow) -> Result<(), Infallible> {
        let lane = self.lane_of(run);
        self.wait_no_more_in(&lane, run);
        self.runs.get_mut(run).expect("what waits exists").flow = Some(Box::new(flow.clone()));
        self.lanes.entry(flow.lane.clone()).or_default().push_back(run.clone());
        Ok(())
    }
}

impl Flows {
    /// The lanes with a key of a level that are ready, with their turns.
    fn ready(&self, level: u8) -> impl Iterator<Item = (u64, &String)> {
        let of_level = move |lane: &&String| level_of(lane) == level && !is_unkeyed(lane);
        self.standing
            .iter()
            .filter(|(_, (_, standing))| *standing == Standing::Ready)
            .map(|(lane, (turn, _))| (*turn, lane))
            .filter(move |(_, lane)| of_level(lane))
    }
}
