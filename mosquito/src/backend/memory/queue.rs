//! The model of one queue: every move a run can make, as plainly as it can be said.
//!
//! A run's [`Place`] says in which list it stands; the ordered collections beside it are indexes over
//! the places, so a run cannot stand in two lists.

mod cancelling;
mod leases;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::backend::{
    Claim, ClaimToken, Claimed, Enqueued, Fate, LastTick, Lease, List, Overlap, Paused, Promoted, Settled,
    Settlement, Sizes, StoredRun, Tick, Ticked, Ticket,
};
use crate::clock::{self, Timestamp};
use crate::job_run::{History, NewRun, When, stamped};
use crate::name::{JobName, OverseerId, RunId};

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    runs: BTreeMap<RunId, Run>,
    waiting: VecDeque<RunId>,
    scheduled: BTreeSet<(Timestamp, RunId)>,
    pending: BTreeMap<Claimant, RunId>,
    dead: BTreeSet<(Timestamp, RunId)>,
    /// What is pending and was cancelled.
    cancelled: BTreeSet<RunId>,
    owners: BTreeMap<OverseerId, Owner>,
    schedules: BTreeMap<JobName, Schedule>,
    paused: Option<Paused>,
    used: bool,
    /// How many claims of single runs there were: numbers the next one.
    claims: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Run {
    envelope: Vec<u8>,
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
        let place = if due > now { Place::Scheduled(due) } else { Place::Waiting };
        if due > now {
            self.scheduled.insert((due, new.id.clone()));
        } else {
            self.waiting.push_back(new.id.clone());
        }
        let envelope = stamped(new.body(), now).into_bytes();
        self.runs.insert(new.id.clone(), Run { envelope, history: History::default(), place });
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
            return Claimed { runs: Vec::new(), lease, now };
        }
        let mut runs = self.claimed_before(ticket);
        let spends = at_most == 0;
        let used = self.owners.get(&ticket.overseer).is_some_and(|owner| ticket.number <= owner.ticket);
        if !used {
            let at_most = if self.paused(now).is_none() { at_most } else { 0 };
            while runs.len() < at_most
                && let Some(id) = self.waiting.pop_front()
            {
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
        Claimed { runs, lease, now }
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
                self.remove(&settlement.id);
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
            self.waiting.push_back(id);
            moved += 1;
        }
        let next_due = self.first_due().map(|due| (due - now).to_std().unwrap_or_default());
        Promoted { moved, next_due }
    }

    pub(super) fn last_tick(&mut self, job: &JobName, now: Timestamp) -> LastTick {
        self.used = true;
        let schedule = self.schedules.entry(job.clone()).or_insert(Schedule { last: now, last_run: None });
        LastTick { at: schedule.last, now }
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
        match &tick.run {
            Some(run) if !(unfinished && tick.overlap == Overlap::Skip) => {
                self.schedules.get_mut(&tick.job).expect("it ticks").last_run = Some(run.id.clone());
                match self.enqueue(run, now) {
                    Enqueued::New(id) => Ticked::Enqueued(id),
                    Enqueued::Duplicate(_) => Ticked::Passed,
                }
            }
            _ => Ticked::Passed,
        }
    }

    pub(super) fn pause(&mut self, until: Option<Timestamp>) {
        self.paused = Some(Paused { until });
    }

    pub(super) fn resume(&mut self) {
        self.paused = None;
    }

    pub(super) fn paused(&self, now: Timestamp) -> Option<Paused> {
        self.paused.filter(|paused| paused.until.is_none_or(|until| now < until))
    }

    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            waiting: self.waiting.len(),
            pending: self.pending.len(),
            scheduled: self.scheduled.len(),
            dead: self.dead.len(),
        }
    }

    pub(super) fn page(&self, list: List, offset: usize, at_most: usize) -> Vec<StoredRun> {
        let ids: Box<dyn Iterator<Item = &RunId>> = match list {
            List::Waiting => Box::new(self.waiting.iter()),
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
        self.remove(id)
    }

    pub(super) fn flush(&mut self) {
        let Self { owners, schedules, paused, claims, .. } = std::mem::take(self);
        *self = Self { owners, schedules, paused, claims, used: true, ..Self::default() };
    }

    pub(super) fn prune(&mut self, keep: usize, age: Duration, at_most: usize, now: Timestamp) -> usize {
        let mut pruned = 0;
        while pruned < at_most
            && let Some((since, id)) = self.dead.first()
            && (self.dead.len() > keep || clock::after(*since, age) <= now)
        {
            let id = id.clone();
            self.remove(&id);
            pruned += 1;
        }
        pruned
    }

    pub(super) fn first_due(&self) -> Option<Timestamp> {
        self.scheduled.first().map(|(due, _)| *due)
    }

    pub(super) fn has_work(&self, now: Timestamp) -> bool {
        !self.waiting.is_empty() && self.paused(now).is_none()
    }

    pub(super) fn was_used(&self) -> bool {
        self.used
    }

    /// Moves a run from where it stands: to the front, when it comes to wait. One that was cancelled moves nowhere, and is gone.
    fn stand(&mut self, id: &RunId, place: Place) {
        if self.cancelled.contains(id) {
            self.remove(id);
            return;
        }
        self.leave(id);
        match &place {
            Place::Waiting => self.waiting.push_front(id.clone()),
            Place::Pending(claimant) => drop(self.pending.insert(claimant.clone(), id.clone())),
            Place::Scheduled(due) => drop(self.scheduled.insert((*due, id.clone()))),
            Place::Dead(since) => drop(self.dead.insert((*since, id.clone()))),
        }
        self.runs.get_mut(id).expect("only what exists can stand").place = place;
    }

    fn leave(&mut self, id: &RunId) {
        match self.runs[id].place.clone() {
            Place::Waiting => self.waiting.retain(|waiting| waiting != id),
            Place::Pending(claimant) => drop(self.pending.remove(&claimant)),
            Place::Scheduled(due) => drop(self.scheduled.remove(&(due, id.clone()))),
            Place::Dead(since) => drop(self.dead.remove(&(since, id.clone()))),
        }
    }

    fn remove(&mut self, id: &RunId) -> bool {
        if self.runs.contains_key(id) {
            self.leave(id);
        }
        self.cancelled.remove(id);
        self.runs.remove(id).is_some()
    }
}
