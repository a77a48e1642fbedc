//! Follows what is configured in the store: sizes the executor pool, and limits queues.
//!
//! Invariant: what is configured changes what is claimed from now on, and nothing that is being performed. While the store does not
//! tell, what it told last goes on to hold.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::desk::Desk;
use super::pool::Pool;
use super::reaper::around;
use crate::backend::Notebook;
use crate::configuration::Configured;
use crate::error::Error;
use crate::events::Event;
use crate::name::QueueName;

/// How often the store is asked.
const LOOK_EVERY: Duration = Duration::from_millis(7_500);

/// The most sentences about what cannot be read that are remembered, so as to tell each once.
const MOST_TOLD: usize = 1_000;

/// What is configured for one overseer.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    limits: RwLock<BTreeMap<QueueName, usize>>,
    seen: Mutex<Seen>,
}

/// What was seen last, and what was complained of.
#[derive(Debug, Default)]
struct Seen {
    configured: Configured,
    told: HashSet<String>,
}

impl Tuning {
    /// The limit that is configured for a queue, or for the whole that it is a partition of.
    pub(super) fn limit(&self, queue: &QueueName) -> Option<usize> {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).get(queue.whole_str()).copied()
    }

    /// Looks at the store until the overseer stops; `changed` is told when limits are other ones.
    pub(super) async fn follow(&self, desk: &Desk, pool: &Weak<Pool>, changed: &Notify) {
        while !desk.stop.is_cancelled() {
            desk.rest(around(LOOK_EVERY)).await;
            if let Some(pool) = pool.upgrade() {
                self.look(desk, &pool, changed).await;
            }
        }
    }

    /// Looks once, and has hold what is new.
    pub(super) async fn look(&self, desk: &Desk, pool: &Arc<Pool>, changed: &Notify) {
        let looked = desk.stop.run_until_cancelled(desk.backend.notes(&Notebook::Configuration)).await;
        let notes = match looked {
            None => return,
            Some(Err(error @ Error::ForeignKey { .. })) => return self.complain(desk, &error.to_string()),
            Some(answer) => match desk.tried(answer) {
                Some(notes) => notes,
                None => return,
            },
        };
        let configured = Configured::for_overseer(&notes, desk.settings.name.as_ref());
        configured.unreadable.iter().for_each(|reason| self.complain(desk, reason));
        let before = std::mem::replace(&mut self.seen().configured, configured.clone());
        if (before.executors, &before.limits) == (configured.executors, &configured.limits) {
            return;
        }
        pool.configure(configured.executors);
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = configured.limits.clone();
        changed.notify_one();
        // Before it begins nobody has asked for any.
        let executors = Some(pool.wanted()).filter(|wanted| *wanted > 0);
        let executors = executors.unwrap_or(desk.settings.executors);
        let overseer = desk.overseer.clone();
        desk.events.emit(|| {
            let limits = configured.limits.into_iter().collect();
            Event::Configured { overseer, executors, limits }
        });
    }

    fn complain(&self, desk: &Desk, reason: &str) {
        let mut seen = self.seen();
        if seen.told.len() < MOST_TOLD && seen.told.insert(reason.to_owned()) {
            desk.events.emit(|| Event::ConfigurationUnreadable { reason: reason.to_owned() });
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Whatever is in it was seen.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
