//! The model of one queue: every move a run can make, as plainly as it can be said.
//!
//! A run's [`Place`] says in which list it stands; the ordered collections beside it are indexes over
//! the places, so a run cannot stand in two lists.

mod cancelling;
mod flows;
mod lanes;
mod leases;
mod pauses;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::backend::lanes::Picked;
use crate::backend::{
    Claim, ClaimToken, Claimed, Enqueued, Fate, LastTick, Lease, List, Overlap, Promoted, Settled,
    Settlement, Sizes, StoredRun, Tick, Ticked, Ticket,
};
use crate::clock::{self, Timestamp};
use crate::flow::StoredFlow;
use crate::job_run::{History, NewRun, When, stamped};
use crate::name::{JobName, OverseerId, RunId};
use flows::Flows;
use lanes::PLAIN;
use pauses::Pauses;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    runs: BTreeMap<RunId, Run>,
    /// What waits, by lane; a plain run in that of its level.
    lanes: BTreeMap<String, VecDeque<RunId>>,
    flows: Flows,
    scheduled: BTreeSet<(Timestamp, RunId)>,
    pending: BTreeMap<Claimant, RunId>,
    dead: BTreeSet<(Timestamp, RunId)>,
    /// What is pending and was cancelled.
    cancelled: BTreeSet<RunId>,
    owners: BTreeMap<OverseerId, Owner>,
    schedules: BTreeMap<JobName, Schedule>,
    paused: Pauses,
    used: bool,
    /// How many claims of single runs there were: numbers the next one.
    claims: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Run {
    envelope: Vec<u8>,
    flow: Option<Box<StoredFlow>>,
    history: History,
    place: Place,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its arguments may hold what is nobody's business.
        self.place.fmt(f)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Waiting,
    Pending(Claimant),
    Scheduled(Timestamp),
    Dead(Timestamp),
}

/// Who claimed a run, with which ticket, as which of all claims, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Claimant {
    overseer: OverseerId,
    ticket: u64,
    number: u64,
    at: Timestamp,
}

impl Claimant {
    fn token(&self) -> ClaimToken {
        ClaimToken(format!("{}:{}:{}", self.overseer, self.ticket, self.number))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Owner {
    beat: Timestamp,
    /// The one that made the lease, and the latest that got runs.
    first_ticket: u64,
    ticket: u64,
    /// Found dead: its runs are being taken back, and it cannot come back before that is done.
    condemned: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Schedule {
    last: Timestamp,
    last_run: Option<RunId>,
}

impl Queue {
    pub(super) fn enqueue(&mut self, new: &NewRun, now: Timestamp) -> Enqueued {
        self.used = true;
        if self.runs.contains_key(&new.id) {
            return Enqueued::Duplicate(new.id.clone());
        }
        let due = match new.when {
            When::Now => now,
            When::After(delay) => clock::after(now, delay),
            When::At(time) => time,
        };
        let flow = new.flow.as_ref().map(|flow| self.declare(flow, due.max(now)));
        if let Some(answer) = flow.as_ref().and_then(|flow| self.kept_away(new, flow, due, now)) {
            return answer;
        }
        let place = if due > now { Place::Scheduled(due) } else { Place::Waiting };
        let envelope = stamped(new.body(), now).into_bytes();
        let run = Run { envelope, flow: flow.map(Box::new), history: History::default(), place };
        self.runs.insert(new.id.clone(), run);
        if due > now {
            self.scheduled.insert((due, new.id.clone()));
        } else {
            self.wait_behind(&new.id);
        }
        Enqueued::New(new.id.clone())
    }

    pub(super) fn claim(&mut self, ticket: &Ticket, at_most: usize, now: Timestamp) -> Claimed {
        let lease = match self.owners.get(&ticket.overseer) {
            Some(owner) if owner.condemned => Lease::Lost,
            Some(owner) if owner.first_ticket == ticket.number => Lease::New,
            Some(_) => Lease::Held,
            None => Lease::New,
        };
        if lease == Lease::Lost {
            return Claimed { runs: Vec::new(), expired: Vec::new(), lease, paused_until: None, now };
        }
        let (mut runs, mut expired, mut paused_until) = (self.claimed_before(ticket), Vec::new(), None);
        let spends = at_most == 0;
        let used = self.owners.get(&ticket.overseer).is_some_and(|owner| ticket.number <= owner.ticket);
        if !used {
            let mut at_most = at_most;
            if at_most > 0
                && let Some(paused) = self.paused(now)
            {
                (at_most, paused_until) = (0, paused.until);
            }
            let picked = if at_most > 0 { self.pick(at_most, now) } else { Picked::default() };
            expired = picked.expired;
            for id in picked.runs {
                // One number is never used twice, so no settlement of an earlier claim can be taken for one of this.
                self.claims += 1;
                let (overseer, number) = (ticket.overseer.clone(), self.claims);
                let claimant = Claimant { overseer, ticket: ticket.number, number, at: now };
                let run = self.runs.get_mut(&id).expect("what waits exists");
                run.place = Place::Pending(claimant.clone());
                runs.push(Claim {
                    id: id.clone(),
                    token: claimant.token(),
                    envelope: run.envelope.clone(),
                    history: run.history.clone(),
                });
                self.pending.insert(claimant, id);
            }
            if !runs.is_empty() || spends {
                let number = ticket.number;
                let owner = self.owners.entry(ticket.overseer.clone()).or_insert(Owner {
                    beat: now,
                    first_ticket: number,
                    ticket: number,
                    condemned: false,
                });
                (owner.beat, owner.ticket) = (now, number);
            }
        }
        Claimed { runs, expired, lease, paused_until, now }
    }

    fn claimed_before(&self, ticket: &Ticket) -> Vec<Claim> {
        self.pending_of(&ticket.overseer)
            .filter(|(claimant, _)| claimant.ticket == ticket.number)
            .map(|(claimant, id)| {
                let run = &self.runs[id];
                Claim {
                    id: id.clone(),
                    token: claimant.token(),
                    envelope: run.envelope.clone(),
                    history: run.history.clone(),
                }
            })
            .collect()
    }

    fn pending_of(&self, overseer: &OverseerId) -> impl Iterator<Item = (&Claimant, &RunId)> {
        let first = Claimant { overseer: overseer.clone(), ticket: 0, number: 0, at: Timestamp::MIN_UTC };
        self.pending.range(first..).take_while(move |(claimant, _)| claimant.overseer == *overseer)
    }

    pub(super) fn settle(&mut self, settlements: &[Settlement], now: Timestamp) -> Vec<Settled> {
        // From the last to the first, so that runs handed back together keep their order.
        let mut answers: Vec<_> = settlements.iter().rev().map(|one| self.settle_one(one, now)).collect();
        answers.reverse();
        answers
    }

    fn settle_one(&mut self, settlement: &Settlement, now: Timestamp) -> Settled {
        let Some(run) = self.runs.get_mut(&settlement.id) else { return Settled::Stale };
        match &run.place {
            Place::Pending(claimant) if claimant.token() == settlement.token => (),
            _ => return Settled::Stale,
        }
        match &settlement.fate {
            Fate::Forget => {
                let undone = self.cancelled.contains(&settlement.id);
                self.remove(&settlement.id, undone);
            }
            Fate::Reschedule { delay, history } => {
                run.history = history.clone();
                self.stand(&settlement.id, Place::Scheduled(clock::after(now, *delay)));
            }
            Fate::Banish { history } => {
                run.history = history.clone();
                self.stand(&settlement.id, Place::Dead(now));
            }
            Fate::HandBack => self.stand(&settlement.id, Place::Waiting),
        }
        Settled::Done
    }

    pub(super) fn promote(&mut self, at_most: usize, now: Timestamp) -> Promoted {
        let mut moved = 0;
        while moved < at_most
            && let Some((due, _)) = self.scheduled.first()
            && *due <= now
        {
            let (_, id) = self.scheduled.pop_first().expect("there is a first");
            self.runs.get_mut(&id).expect("what is scheduled exists").place = Place::Waiting;
            self.wait_behind(&id);
            moved += 1;
        }
        let woken = self.wake_due(at_most - moved, now);
        let next_due = self.first_due().map(|due| (due - now).to_std().unwrap_or_default());
        Promoted { moved, woken, next_due }
    }

    pub(super) fn last_tick(&mut self, job: &JobName, now: Timestamp) -> LastTick {
        self.used = true;
        let schedule = self.schedules.entry(job.clone()).or_insert(Schedule { last: now, last_run: None });
        LastTick { at: schedule.last, now }
    }

    pub(super) fn ticked(&self, job: &JobName) -> Option<Timestamp> {
        self.schedules.get(job).map(|schedule| schedule.last)
    }

    pub(super) fn tick(&mut self, tick: &Tick, now: Timestamp) -> Ticked {
        if tick.at > now {
            return Ticked::Early;
        }
        let schedule = self
            .schedules
            .entry(tick.job.clone())
            .or_insert(Schedule { last: Timestamp::MIN_UTC, last_run: None });
        if tick.at <= schedule.last {
            return Ticked::Stale;
        }
        schedule.last = tick.at;
        let last_run = schedule.last_run.clone();
        let unfinished = last_run
            .is_some_and(|id| self.runs.get(&id).is_some_and(|run| !matches!(run.place, Place::Dead(_))));
        let waits_alone = tick.overlap == Overlap::Skip || self.is_job_paused(&tick.job, now);
        match &tick.run {
            Some(run) if !(unfinished && waits_alone) => {
                self.schedules.get_mut(&tick.job).expect("it ticks").last_run = Some(run.id.clone());
                match self.enqueue(run, now) {
                    Enqueued::New(id) => Ticked::Enqueued(id),
                    Enqueued::Duplicate(_) | Enqueued::Replaced(_) => Ticked::Passed,
                }
            }
            _ => Ticked::Passed,
        }
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            waiting: self.lanes.values().map(VecDeque::len).sum(),
            pending: self.pending.len(),
            scheduled: self.scheduled.len(),
            dead: self.dead.len(),
        }
    }

    pub(super) fn page(&self, list: List, offset: usize, at_most: usize) -> Vec<StoredRun> {
        let ids: Box<dyn Iterator<Item = &RunId>> = match list {
            // Plain runs first, and then lane by lane.
            List::Waiting => Box::new(self.lane(PLAIN).chain(self.other_lanes())),
            List::Pending => Box::new(self.pending.values()),
            List::Scheduled => Box::new(self.scheduled.iter().map(|(_, id)| id)),
            List::Dead => Box::new(self.dead.iter().map(|(_, id)| id)),
        };
        ids.skip(offset).take(at_most).filter_map(|id| self.find(id)).collect()
    }

    pub(super) fn find(&self, id: &RunId) -> Option<StoredRun> {
        let run = self.runs.get(id)?;
        let (list, at, overseer) = match &run.place {
            Place::Waiting => (List::Waiting, None, None),
            Place::Pending(claimant) => (List::Pending, Some(claimant.at), Some(claimant.overseer.clone())),
            Place::Scheduled(due) => (List::Scheduled, Some(*due), None),
            Place::Dead(since) => (List::Dead, Some(*since), None),
        };
        let (envelope, history) = (run.envelope.clone(), run.history.clone());
        Some(StoredRun { id: id.clone(), list, at, overseer, envelope, history })
    }

    pub(super) fn delete(&mut self, id: &RunId) -> bool {
        self.remove(id, true)
    }

    pub(super) fn flush(&mut self) {
        let Self { owners, schedules, paused, claims, flows, .. } = std::mem::take(self);
        *self =
            Self { owners, schedules, paused, claims, used: true, flows: flows.flushed(), ..Self::default() };
    }

    pub(super) fn prune(&mut self, keep: usize, age: Duration, at_most: usize, now: Timestamp) -> usize {
        let mut pruned = 0;
        while pruned < at_most
            && let Some((since, id)) = self.dead.first()
            && (self.dead.len() > keep || clock::after(*since, age) <= now)
        {
            let id = id.clone();
            self.remove(&id, true);
            pruned += 1;
        }
        pruned
    }

    pub(super) fn first_due(&self) -> Option<Timestamp> {
        let scheduled = self.scheduled.first().map(|(due, _)| *due);
        scheduled.into_iter().chain(self.flows.first_due()).chain(self.paused.first_end()).min()
    }

    pub(super) fn has_work(&self, now: Timestamp) -> bool {
        !self.is_paused(now) && self.has_ready()
    }

    pub(super) fn was_used(&self) -> bool {
        self.used
    }

    /// Moves a run from where it stands: to the front, when it comes to wait. One that was cancelled moves nowhere, and is gone.
    fn stand(&mut self, id: &RunId, place: Place) {
        if self.cancelled.contains(id) {
            self.remove(id, true);
            return;
        }
        self.leave(id);
        match &place {
            Place::Waiting => self.wait_in_front(id),
            Place::Pending(claimant) => drop(self.pending.insert(claimant.clone(), id.clone())),
            Place::Scheduled(due) => drop(self.scheduled.insert((*due, id.clone()))),
            Place::Dead(since) => {
                self.dead.insert((*since, id.clone()));
                self.let_go(id, true);
            }
        }
        self.runs.get_mut(id).expect("only what exists can stand").place = place;
    }

    fn leave(&mut self, id: &RunId) {
        match self.runs[id].place.clone() {
            Place::Waiting => self.wait_no_more(id),
            Place::Pending(claimant) => {
                self.pending.remove(&claimant);
                self.give_back(id);
            }
            Place::Scheduled(due) => drop(self.scheduled.remove(&(due, id.clone()))),
            Place::Dead(since) => drop(self.dead.remove(&(since, id.clone()))),
        }
    }

    /// Removes a run, and what it kept others away by; whether there was one. One that is `undone` did not succeed.
    fn remove(&mut self, id: &RunId, undone: bool) -> bool {
        if self.runs.contains_key(id) {
            self.leave(id);
            self.let_go(id, undone);
        }
        self.cancelled.remove(id);
        self.runs.remove(id).is_some()
    }
}
