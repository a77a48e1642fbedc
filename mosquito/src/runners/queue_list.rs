//! Which queues an overseer works on, and which there are.
//!
//! It works on those it was told, or on those its jobs declare and those that exist in the store; but on none that a gate holds back
//! at the moment. Whether a queue is paused is not asked here: the store hands out nothing from a paused queue, at the moment of the claim.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use super::desk::Desk;
use super::gates::Gates;
use crate::name::QueueName;

/// How often the store is asked for queues that came into being elsewhere.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often all are told of a pause of everything that did not come to them; new ones are told at once.
const HEED_EVERY: Duration = Duration::from_secs(9);

#[derive(Debug)]
pub(crate) struct QueueList {
    /// Told by the application: then it works on no others.
    fixed: Option<Arc<[QueueName]>>,
    everywhere: RwLock<Arc<[QueueName]>>,
    pub(super) gates: Gates,
}

impl QueueList {
    pub(crate) fn fixed(queues: impl IntoIterator<Item = QueueName>) -> Self {
        let queues = sorted(queues);
        Self { fixed: Some(queues.clone()), everywhere: RwLock::new(queues), gates: Gates::default() }
    }

    pub(crate) fn growing(declared: impl IntoIterator<Item = QueueName>) -> Self {
        Self { fixed: None, everywhere: RwLock::new(sorted(declared)), gates: Gates::default() }
    }

    /// The same queues, with gates before some of them.
    pub(crate) fn behind(self, gates: Gates) -> Self {
        Self { gates, ..self }
    }

    /// The queues to work on now, in the order of their names.
    pub(crate) fn now(&self) -> Arc<[QueueName]> {
        self.fixed.clone().unwrap_or_else(|| self.everywhere())
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

    /// Looks for new queues until the overseer stops.
    pub(super) async fn keep_up(&self, desk: &Desk) {
        let mut heeded = Instant::now();
        while !desk.stop.is_cancelled() {
            if let Some(found) = desk.tried(desk.backend.queues().await) {
                let known = self.everywhere();
                let all = sorted(known.iter().cloned().chain(found));
                // Before any new one is worked on.
                if all.len() > known.len() || heeded.elapsed() >= HEED_EVERY {
                    desk.tried(desk.backend.complete_pause(&all).await);
                    heeded = Instant::now();
                }
                if all.len() > known.len() {
                    *self.everywhere.write().unwrap_or_else(PoisonError::into_inner) = all;
                }
            }
            desk.rest(LOOK_EVERY).await;
        }
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
