//! Which queues an overseer works on, and which there are.
//!
//! It works on those it was told, or on those its jobs declare and those that exist in the store; but on none that a gate holds back
//! at the moment. Whether a queue is paused is not asked here: the store hands out nothing from a paused queue, at the moment of the claim.
//!
//! A queue is worked on with its partitions: those that are declared, and those that exist in the store, since a release may have had more of
//! them.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::desk::Desk;
use super::gates::Gates;
use super::heeding::{self, Heeded};
use crate::job::declared_parts;
use crate::name::QueueName;

/// How often the store is asked for queues that came into being elsewhere, and all are told of a pause of everything that did not come to them.
const LOOK_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct QueueList {
    /// Told by the application: then it works on no others.
    told: Option<BTreeSet<QueueName>>,
    worked_on: RwLock<Arc<[QueueName]>>,
    everywhere: RwLock<Arc<[QueueName]>>,
    pub(super) gates: Gates,
}

impl QueueList {
    pub(crate) fn fixed(queues: impl IntoIterator<Item = QueueName>) -> Self {
        let told: BTreeSet<_> = queues.into_iter().collect();
        Self { told: Some(told.clone()), ..Self::growing(told) }
    }

    pub(crate) fn growing(declared: impl IntoIterator<Item = QueueName>) -> Self {
        let queues = sorted(declared.into_iter().flat_map(|queue| declared_parts(&queue)));
        let (worked_on, everywhere) = (RwLock::new(queues.clone()), RwLock::new(queues));
        Self { told: None, worked_on, everywhere, gates: Gates::default() }
    }

    /// The same queues, with gates before some of them.
    pub(crate) fn behind(self, gates: Gates) -> Self {
        Self { gates, ..self }
    }

    /// The queues to work on now, in the order of their names.
    pub(crate) fn now(&self) -> Arc<[QueueName]> {
        self.worked_on.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same as people call them: without their partitions.
    pub(super) fn shown(&self) -> Vec<QueueName> {
        let shown = self.told.clone().unwrap_or_else(|| self.now().iter().map(QueueName::whole).collect());
        shown.into_iter().collect()
    }

    /// Those of them that no gate holds back.
    pub(super) fn open(&self) -> Arc<[QueueName]> {
        let all = self.now();
        match self.gates.is_empty() {
            true => all,
            false => all.iter().filter(|queue| self.gates.let_through(queue)).cloned().collect(),
        }
    }

    /// Those to work on, and all others in the store.
    pub(super) fn everywhere(&self) -> Arc<[QueueName]> {
        self.everywhere.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for new queues until the overseer stops, and says so when there are some.
    pub(super) async fn keep_up(&self, desk: &Desk, changed: &Notify) {
        let mut stored = BTreeSet::new();
        while !desk.stop.is_cancelled() {
            let known = self.everywhere();
            if let Some(found) = self.look(desk, &known).await {
                let all = sorted(known.iter().chain(&found).cloned());
                let fresh: Vec<_> = found.into_iter().filter(|queue| !stored.contains(queue)).collect();
                if desk.tried(heeding::heed_wholes(&*desk.backend, &fresh).await) == Some(Heeded::All) {
                    stored.extend(fresh);
                }
                if all.len() > known.len() {
                    let worked_on = all.iter().filter(|queue| self.is_worked_on(queue)).cloned();
                    *self.worked_on.write().unwrap_or_else(PoisonError::into_inner) = worked_on.collect();
                    *self.everywhere.write().unwrap_or_else(PoisonError::into_inner) = all;
                    changed.notify_one();
                }
            }
            desk.rest(LOOK_EVERY).await;
        }
    }

    /// The queues in the store. New ones heed a pause of everything before they are worked on; that one cannot be told of it is no reason
    /// to find no others.
    async fn look(&self, desk: &Desk, known: &[QueueName]) -> Option<Vec<QueueName>> {
        match desk.tried(desk.backend.complete_pause(known).await) {
            None => desk.tried(desk.backend.queues().await),
            found => found,
        }
    }

    /// Whether a queue, or the whole that it is a partition of, is to be worked on.
    fn is_worked_on(&self, queue: &QueueName) -> bool {
        let told = |told: &BTreeSet<QueueName>| told.contains(queue) || told.contains(queue.whole_str());
        self.told.as_ref().is_none_or(told)
    }

    /// Has all of them heed a pause of everything of which they were not told.
    pub(super) async fn heed_pauses(&self, desk: &Desk) {
        desk.tried(desk.backend.complete_pause(&self.everywhere()).await);
    }
}

fn sorted(queues: impl IntoIterator<Item = QueueName>) -> Arc<[QueueName]> {
    let queues: BTreeSet<_> = queues.into_iter().collect();
    queues.into_iter().collect()
}
