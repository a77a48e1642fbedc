//! Runs that somebody cancels.
//!
//! Invariant: what is marked is pending. Whatever leaves `pending` moves by `stand` or `remove`, and takes its mark along.

use super::{Place, Queue};
use crate::backend::{BATCH_LIMIT, Cancelled};
use crate::name::{OverseerId, RunId};

impl Queue {
    pub(in crate::backend::memory) fn cancel(&mut self, id: &RunId) -> Cancelled {
        match self.runs.get(id).map(|run| &run.place) {
            None => Cancelled::Unknown,
            Some(Place::Dead(_)) => Cancelled::Dead,
            Some(Place::Waiting | Place::Scheduled(_)) => {
                self.remove(id);
                Cancelled::Removed
            }
            Some(Place::Pending(claimant)) => {
                let overseer = claimant.overseer.clone();
                self.cancelled.insert(id.clone());
                Cancelled::Running(overseer)
            }
        }
    }

    pub(in crate::backend::memory) fn cancelled(&self, overseer: &OverseerId) -> Vec<RunId> {
        let marked = self.pending_of(overseer).filter(|(_, id)| self.cancelled.contains(*id));
        marked.map(|(_, id)| id.clone()).take(BATCH_LIMIT).collect()
    }
}
