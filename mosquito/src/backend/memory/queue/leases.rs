//! Who is alive, and what is taken back.

use super::{Place, Queue};
use crate::backend::{BATCH_LIMIT, DIED, Lease, Rescue, Rescued, Ticket, poisoned_reason};
use crate::clock::{self, Timestamp};
use crate::job_run::PastAttempt;
use crate::name::{OverseerId, RunId};

impl Queue {
    pub(in crate::backend::memory) fn beat(&mut self, overseer: &OverseerId, now: Timestamp) -> Lease {
        match self.owners.get_mut(overseer) {
            Some(owner) if !owner.condemned => {
                owner.beat = now;
                Lease::Held
            }
            _ => Lease::Lost,
        }
    }

    pub(in crate::backend::memory) fn rescue(&mut self, rescue: &Rescue, now: Timestamp) -> Rescued {
        if let Some(late) = rescue.too_late(now) {
            return late;
        }
        let mut answer = Rescued::default();
        for owner in self.owners.values_mut() {
            owner.beat = owner.beat.min(now);
        }
        let dead: Vec<OverseerId> = self
            .owners
            .iter()
            .filter(|(_, owner)| owner.condemned || clock::after(owner.beat, rescue.dead_after) <= now)
            .map(|(overseer, _)| overseer.clone())
            .collect();
        for overseer in dead {
            self.owners.get_mut(&overseer).expect("it was found").condemned = true;
            let room = rescue.at_most - answer.total();
            let mut ids: Vec<RunId> = self.pending_of(&overseer).map(|(_, id)| id.clone()).collect();
            // From the last to the first, so that the first comes to stand in front, also when it takes several calls.
            ids.reverse();
            for id in ids.iter().take(room) {
                self.take_back(id, rescue.max_crashes, now, &mut answer);
            }
            if ids.len() > room {
                answer.more = true;
                break;
            }
            self.owners.remove(&overseer);
        }
        answer
    }

    pub(in crate::backend::memory) fn recall(&mut self, before: &Ticket) -> Vec<RunId> {
        let older = self.pending_of(&before.overseer).filter(|(claimant, _)| claimant.ticket < before.number);
        let mut ids: Vec<RunId> = older.map(|(_, id)| id.clone()).collect();
        // From the last to the first, so that the first comes to stand in front, also when it takes several calls.
        ids.reverse();
        ids.truncate(BATCH_LIMIT);
        ids.iter().for_each(|id| self.stand(id, Place::Waiting));
        // What was cancelled is gone.
        ids.retain(|id| self.runs.contains_key(id));
        ids
    }

    fn take_back(&mut self, id: &RunId, max_crashes: u32, now: Timestamp, answer: &mut Rescued) {
        if self.cancelled.contains(id) {
            self.remove(id);
            answer.cancelled.push(id.clone());
            return;
        }
        let run = self.runs.get_mut(id).expect("what is pending exists");
        let history = &mut run.history;
        history.attempts += 1;
        history.crashes += 1;
        if let Place::Pending(claimant) = &run.place {
            history.remember(PastAttempt::died(history.attempts, claimant.at, claimant.overseer.clone()));
        }
        if history.crashes >= max_crashes {
            history.error = Some(poisoned_reason(history.crashes));
            self.stand(id, Place::Dead(now));
            answer.poisoned.push(id.clone());
        } else {
            history.error = Some(DIED.into());
            self.stand(id, Place::Waiting);
            answer.rescued.push(id.clone());
        }
    }
}
