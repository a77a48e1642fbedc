//! What keeps a queue from handing out runs.

use super::Queue;
use crate::backend::{Paused, Scope};
use crate::clock::Timestamp;

/// Its own pause, and that of everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pauses {
    own: Option<Paused>,
    everything: Option<Paused>,
}

impl Queue {
    /// An empty one, that is held back if everything is.
    pub(in crate::backend::memory) fn held_by(everything: Option<Paused>) -> Self {
        Self { paused: Pauses { own: None, everything }, ..Self::default() }
    }

    pub(in crate::backend::memory) fn pause(&mut self, paused: Paused) {
        let kept = if paused.everything { &mut self.paused.everything } else { &mut self.paused.own };
        *kept = Some(paused);
    }

    pub(in crate::backend::memory) fn resume(&mut self, scope: &Scope) {
        match scope {
            Scope::Queue(_) => self.paused.own = None,
            Scope::Everything => self.paused.everything = None,
        }
    }

    pub(in crate::backend::memory) fn paused(&self, now: Timestamp) -> Option<Paused> {
        let Pauses { own, everything } = &self.paused;
        let lasting = |paused: &Option<Paused>| paused.clone().filter(|paused| paused.lasts(now));
        Paused::longer(lasting(own), lasting(everything))
    }

    pub(super) fn is_paused(&self, now: Timestamp) -> bool {
        let Pauses { own, everything } = &self.paused;
        own.iter().chain(everything).any(|paused| paused.lasts(now))
    }
}
