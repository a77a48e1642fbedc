//! What is remembered of limits and unique runs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, Queue, Run};
use crate::backend::lanes::{Ground, Standing, Turns, left_pending, left_store};
use crate::backend::{Enqueued, LimitReport, Used};
use crate::clock::{self, Timestamp};
use crate::flow::{Concurrency, Flow, FlowKey, LimitName, RateLimit, RateState, StoredFlow, WHILE_RUNNING};
use crate::job_run::{NewRun, stamped};
use crate::name::RunId;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flows {
    pub(super) turns: Turns,
    /// The lanes with a key that are in use, with their turns.
    pub(super) standing: BTreeMap<String, (u64, Standing)>,
    pub(super) rate_rules: BTreeMap<String, RateLimit>,
    pub(super) slot_rules: BTreeMap<String, Concurrency>,
    /// What is remembered of a rate, and until when.
    pub(super) rates: BTreeMap<String, (RateState, i64)>,
    pub(super) slots: BTreeSet<(String, RunId)>,
    pub(super) unique: BTreeMap<String, Holder>,
}

/// The run that keeps others of its key away.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Holder {
    pub(super) run: RunId,
    /// Until when, where a time was said, in ms since 1970.
    pub(super) until: Option<i64>,
}

impl Flows {
    /// What a flush leaves: the rules, and what was started, which is no run.
    pub(super) fn flushed(self) -> Self {
        let Self { turns, rate_rules, slot_rules, rates, .. } = self;
        Self { turns, rate_rules, slot_rules, rates, ..Self::default() }
    }

    /// When the first blocked lane is to be looked at again.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        let times = self.standing.values().filter_map(|(_, standing)| match standing {
            Standing::Blocked(time) => Some(clock::from_millis(*time)),
            _ => None,
        });
        times.min()
    }
}

impl Queue {
    /// Takes down the rules that a run is under, and makes its flow what is stored.
    pub(super) fn declare(&mut self, flow: &Flow, due: Timestamp) -> StoredFlow {
        if let Some(rate) = &flow.rate {
            self.flows.rate_rules.insert(rate.name.to_string(), rate.rule);
        }
        if let Some(concurrency) = &flow.concurrency {
            self.flows.slot_rules.insert(concurrency.name.to_string(), concurrency.rule);
        }
        if flow.waits_for_the_one_before().is_some() {
            self.flows.slot_rules.insert(WHILE_RUNNING.into(), Concurrency { limit: 1 });
        }
        let mut stored = flow.stored();
        stored.expires = stored.expires.map(|after| due.timestamp_millis().saturating_add(after));
        stored
    }

    pub(in crate::backend::memory) fn limit(
        &self,
        name: &LimitName,
        key: &FlowKey,
        now: Timestamp,
    ) -> LimitReport {
        let full = format!("{name}/{key}");
        let rate = self.flows.rate_rules.get(name.as_str()).map(|rule| {
            let state = self.flows.rates.get(&full).map(|(state, _)| state.clone());
            let used = state.map_or(0, |mut state| state.used(rule, now.timestamp_millis()));
            Used { used, limit: rule.limit }
        });
        let concurrency = self.flows.slot_rules.get(name.as_str()).map(|rule| {
            let Ok(used) = self.slots_used(&full);
            Used { used: u32::try_from(used).unwrap_or(u32::MAX), limit: rule.limit }
        });
        LimitReport { rate, concurrency }
    }

    pub(in crate::backend::memory) fn holder(&self, key: &FlowKey, now: Timestamp) -> Option<RunId> {
        self.standing_holder(key.as_str(), now).map(|holder| holder.run.clone())
    }

    fn standing_holder(&self, key: &str, now: Timestamp) -> Option<&Holder> {
        self.flows.unique.get(key).filter(|holder| match holder.until {
            Some(until) => now.timestamp_millis() < until,
            None => self.runs.contains_key(&holder.run),
        })
    }

    /// What a unique run that is there has to say of another one of its key; nothing when there is none, and from now on
    /// it is the new one.
    pub(super) fn kept_away(
        &mut self,
        new: &NewRun,
        flow: &StoredFlow,
        due: Timestamp,
        now: Timestamp,
    ) -> Option<Enqueued> {
        let unique = flow.unique.as_ref()?;
        let until = unique.lasts.map(|lasts| now.timestamp_millis().saturating_add(lasts));
        let Some(there) = self.standing_holder(&unique.key, now).map(|holder| holder.run.clone()) else {
            self.flows.unique.insert(unique.key.clone(), Holder { run: new.id.clone(), until });
            return None;
        };
        let of_its_key = |run: &&Run| {
            let its = run.flow.as_ref().and_then(|flow| flow.unique.as_ref());
            its.is_some_and(|its| its.key == unique.key)
        };
        // Another run may have got the id of one that is finished and keeps others away for a time.
        let run = self.runs.get(&there).filter(|_| unique.replace).filter(of_its_key);
        let scheduled = match run.map(|run| &run.place) {
            Some(Place::Scheduled(before)) => Some(*before),
            Some(Place::Waiting) => None,
            _ => return Some(Enqueued::Duplicate(there)),
        };
        let run = self.runs.get_mut(&there).expect("it was found");
        run.envelope = stamped(new.body(), now).into_bytes();
        if let Some(before) = scheduled {
            run.flow = Some(Box::new(flow.clone()));
            // By the new flow it lets go: so by that it is to hold.
            self.flows.unique.insert(unique.key.clone(), Holder { run: there.clone(), until });
            self.scheduled.remove(&(before, there.clone()));
            if due > now {
                run.place = Place::Scheduled(due);
                self.scheduled.insert((due, there.clone()));
            } else {
                run.place = Place::Waiting;
                self.wait_behind(&there);
            }
        }
        Some(Enqueued::Replaced(there))
    }

    /// Gives back what a run has while it is pending.
    pub(super) fn give_back(&mut self, id: &RunId) {
        if let Some(flow) = self.runs[id].flow.clone() {
            let Ok(()) = left_pending(self, id, &flow);
        }
    }

    /// Lets go of what a run keeps others away by.
    pub(super) fn let_go(&mut self, id: &RunId, undone: bool) {
        if let Some(flow) = self.runs[id].flow.clone() {
            let Ok(()) = left_store(self, id, &flow, undone);
        }
    }
}
