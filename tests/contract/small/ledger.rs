//! Counts for itself what every call must answer, and looks at no store.

use std::collections::{BTreeMap, BTreeSet};

use mosquito::backend::{Cancelled, Claim, ClaimToken, Claimed, Lease, Rescue, Rescued, Settled, Ticked};
use mosquito::{OverseerId, RunId};

use super::act::Way;

/// What is true of every run and lease, whoever knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ledger {
    pub(super) runs: BTreeMap<RunId, Entry>,
    /// Leases, and in which step each was renewed last.
    leases: BTreeMap<OverseerId, LeaseEntry>,
    /// Every claim that there ever was.
    pub(super) claims: BTreeSet<(String, RunId)>,
    /// What was cancelled, and not enqueued anew: nobody is to begin it.
    unwanted: BTreeSet<RunId>,
    pub(super) ticked: bool,
    pub(super) now: u32,
}

/// A run that is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) attempts: u32,
    pub(super) crashes: u32,
    /// It is pending, and was cancelled.
    pub(super) marked: bool,
}

impl Entry {
    fn new(place: Place) -> Self {
        Self { place, attempts: 0, crashes: 0, marked: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Waiting,
    /// Due in that step.
    Scheduled(u32),
    Pending {
        token: String,
        overseer: OverseerId,
        ticket: u64,
    },
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LeaseEntry {
    renewed: u32,
    /// The latest ticket that got runs under it.
    ticket: u64,
    condemned: bool,
}

impl Ledger {
    pub(super) fn enqueued(&mut self, id: &RunId, due: u32, new: bool) {
        assert_eq!(new, !self.runs.contains_key(id), "{id}: a run is new when there is none of its id");
        if new {
            let place = if due > self.now { Place::Scheduled(due) } else { Place::Waiting };
            self.unwanted.remove(id);
            self.runs.insert(id.clone(), Entry::new(place));
        }
    }

    /// Whether a claim stands.
    pub(super) fn stands(&self, id: &RunId, token: &ClaimToken) -> bool {
        matches!(self.runs.get(id), Some(Entry { place: Place::Pending { token: of, .. }, .. }) if *of == token.0)
    }

    pub(super) fn claimed(&mut self, who: &OverseerId, ticket: u64, at_most: usize, answer: &Claimed) {
        let lease = self.leases.get(who);
        let before: Vec<_> = self.pending_of(who, |of| of == ticket);
        let condemned = lease.is_some_and(|lease| lease.condemned);
        assert_eq!(
            answer.lease == Lease::Lost,
            condemned,
            "who is being taken back is lost, and nobody else"
        );
        if lease.is_none() {
            assert_eq!(answer.lease, Lease::New, "{who} had no lease");
        }
        let mut got: Vec<_> = answer.runs.iter().map(|claim| claim.id.clone()).collect();
        got.sort();
        for claim in &answer.runs {
            let entry = &self.runs[&claim.id];
            let counts = (claim.history.attempts, claim.history.crashes);
            assert_eq!(counts, (entry.attempts, entry.crashes), "{}: the claim tells the history", claim.id);
        }
        if condemned {
            assert!(got.is_empty(), "who is lost gets nothing");
        } else if lease.is_some_and(|lease| ticket <= lease.ticket) {
            assert_eq!(
                got, before,
                "a ticket answers what it got, if that is pending still, and nothing more"
            );
        } else {
            self.claimed_anew(who, ticket, at_most, &answer.runs);
        }
    }

    fn claimed_anew(&mut self, who: &OverseerId, ticket: u64, at_most: usize, got: &[Claim]) {
        let waiting = self.runs.values().filter(|entry| entry.place == Place::Waiting).count();
        assert_eq!(got.len(), at_most.min(waiting), "as many as wait and are asked for");
        for Claim { id, token, .. } in got {
            assert!(self.claims.insert((token.0.clone(), id.clone())), "{token:?} of {id} is given out once");
            assert!(!self.unwanted.contains(id), "{id} was cancelled: nobody begins it");
            let entry = self.runs.get_mut(id).expect("what is claimed is there");
            assert_eq!(entry.place, Place::Waiting, "{id}: nobody else has it");
            entry.place = Place::Pending { token: token.0.clone(), overseer: who.clone(), ticket };
        }
        if !got.is_empty() {
            self.leases.insert(who.clone(), LeaseEntry { renewed: self.now, ticket, condemned: false });
        }
    }

    fn pending_of(&self, who: &OverseerId, of: impl Fn(u64) -> bool) -> Vec<RunId> {
        let pending = self.runs.iter().filter(
            |(_, entry)| matches!(&entry.place, Place::Pending { overseer, ticket, .. } if overseer == who && of(*ticket)),
        );
        pending.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn is_condemned(&self, who: &OverseerId) -> bool {
        self.leases.get(who).is_some_and(|lease| lease.condemned)
    }

    pub(super) fn settled(&mut self, id: &RunId, token: &ClaimToken, way: Way, answer: Settled) {
        let stands = self.stands(id, token);
        assert_eq!(
            answer == Settled::Done,
            stands,
            "{id}: {token:?} is settled while it stands, and only then"
        );
        if !stands {
            return;
        }
        let now = self.now;
        let entry = self.runs.get_mut(id).expect("its claim stands");
        match way {
            _ if entry.marked => drop(self.runs.remove(id)),
            Way::Forget => drop(self.runs.remove(id)),
            Way::Reschedule => {
                (entry.place, entry.attempts) = (Place::Scheduled(now + 1), entry.attempts + 1);
            }
            Way::Banish => (entry.place, entry.attempts) = (Place::Dead, entry.attempts + 1),
            Way::HandBack => entry.place = Place::Waiting,
        }
    }

    pub(super) fn promoted(&mut self, moved: usize) {
        let now = self.now;
        let mut due = 0;
        for entry in self.runs.values_mut() {
            if matches!(entry.place, Place::Scheduled(at) if at <= now) {
                entry.place = Place::Waiting;
                due += 1;
            }
        }
        assert_eq!(moved, due, "all that is due is moved, and nothing else");
    }

    pub(super) fn beaten(&mut self, who: &OverseerId, answer: Lease) {
        let lease = self.leases.get_mut(who).filter(|lease| !lease.condemned);
        assert_eq!(answer == Lease::Held, lease.is_some(), "{who}: a beat holds the lease that there is");
        if let Some(lease) = lease {
            lease.renewed = self.now;
        }
    }

    pub(super) fn rescued(&mut self, rescue: &Rescue, answer: &Rescued) {
        assert!(answer.total() <= rescue.at_most, "{answer:?} is bounded");
        let now = self.now;
        for id in answer.rescued.iter().chain(&answer.poisoned).chain(&answer.cancelled) {
            let entry = self.runs.get_mut(id).expect("what is taken back is there");
            let Place::Pending { overseer, .. } = &entry.place else {
                panic!("{id} was not pending: {entry:?}")
            };
            let lease = self.leases.get_mut(overseer).expect("who has runs has a lease");
            assert!(lease.condemned || lease.renewed < now, "{overseer} lives: nothing is taken from it");
            lease.condemned = true;
            assert_eq!(answer.cancelled.contains(id), entry.marked, "{id}: what was cancelled is gone");
            if entry.marked {
                self.runs.remove(id);
                continue;
            }
            (entry.attempts, entry.crashes) = (entry.attempts + 1, entry.crashes + 1);
            let poisoned = entry.crashes >= rescue.max_crashes;
            assert_eq!(answer.poisoned.contains(id), poisoned, "{id}: so many deaths poison: {entry:?}");
            entry.place = if poisoned { Place::Dead } else { Place::Waiting };
        }
        // Who has nothing left is forgotten; the next who is dead may be condemned already.
        let has = |who: &OverseerId| !self.pending_of(who, |_| true).is_empty();
        let dead = self.leases.iter().filter(|(_, lease)| lease.condemned || lease.renewed < now);
        let (left, gone): (Vec<_>, Vec<_>) = dead.map(|(who, _)| who.clone()).partition(|who| has(who));
        assert_eq!(
            answer.more,
            !left.is_empty(),
            "there is more exactly while somebody dead has runs: {answer:?}"
        );
        let mut first = left.first();
        for who in gone {
            // Those behind the one that the call stopped at were not come to.
            if first.is_none_or(|first| who < *first) {
                self.leases.remove(&who);
            }
        }
        if let Some(lease) = first.take().and_then(|who| self.leases.get_mut(who)) {
            lease.condemned = true;
        }
    }

    pub(super) fn recalled(&mut self, who: &OverseerId, before: u64, answer: &[RunId]) {
        let mut answer = answer.to_vec();
        answer.sort();
        let pending = self.pending_of(who, |ticket| ticket < before);
        let (gone, back): (Vec<_>, Vec<_>) = pending.into_iter().partition(|id| self.runs[id].marked);
        assert_eq!(answer, back, "all from before that is wanted, and nothing else");
        gone.iter().for_each(|id| drop(self.runs.remove(id)));
        for id in answer {
            self.runs.get_mut(&id).expect("it is pending").place = Place::Waiting;
        }
    }

    pub(super) fn deleted(&mut self, id: &RunId, answer: bool) {
        assert_eq!(answer, self.runs.remove(id).is_some(), "{id}: what is there is deleted");
    }

    pub(super) fn cancelled(&mut self, id: &RunId, answer: &Cancelled) {
        let Some(entry) = self.runs.get_mut(id) else {
            assert_eq!(*answer, Cancelled::Unknown, "{id} is not there");
            return;
        };
        let expected = match &entry.place {
            Place::Waiting | Place::Scheduled(_) => Cancelled::Removed,
            Place::Pending { overseer, .. } => Cancelled::Running(overseer.clone()),
            Place::Dead => Cancelled::Dead,
        };
        assert_eq!(*answer, expected, "{id}: {entry:?}");
        match answer {
            Cancelled::Running(_) => entry.marked = true,
            Cancelled::Removed => drop(self.runs.remove(id)),
            Cancelled::Dead | Cancelled::Unknown => return,
        }
        self.unwanted.insert(id.clone());
    }

    /// The one tick there is, at the first step.
    pub(super) fn ticks(&mut self, id: &RunId, answer: &Ticked) {
        let expected = match (self.now, self.ticked) {
            (0, _) => Ticked::Early,
            (_, true) => Ticked::Stale,
            (_, false) => Ticked::Enqueued(id.clone()),
        };
        assert_eq!(*answer, expected, "a tick is enqueued once, when it is time");
        if expected == Ticked::Enqueued(id.clone()) {
            self.ticked = true;
            self.runs.insert(id.clone(), Entry::new(Place::Waiting));
        }
    }
}
