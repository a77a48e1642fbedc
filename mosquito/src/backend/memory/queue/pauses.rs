//! What keeps a queue from handing out runs.

use std::collections::BTreeMap;

use super::Queue;
use crate::backend::lanes::{JobPause, LANES_PER_CALL, wake_resumed};
use crate::backend::{Paused, Scope};
use crate::clock::Timestamp;
use crate::name::JobName;

/// Its own pause, that of everything, and those of jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pauses {
    own: Option<Paused>,
    everything: Option<Paused>,
    /// Each until all lanes that it parked are ready again.
    jobs: BTreeMap<JobName, Paused>,
}

impl Pauses {
    /// When the first pause of a job ends, or ended.
    pub(super) fn first_end(&self) -> Option<Timestamp> {
        self.jobs.values().filter_map(|paused| paused.until).min()
    }

    pub(super) fn of_jobs(&self, now: Timestamp) -> Vec<JobPause> {
        let pauses = self.jobs.iter();
        pauses.map(|(job, paused)| JobPause { job: job.to_string(), is_over: !paused.lasts(now) }).collect()
    }

    pub(super) fn forget_job(&mut self, job: &str) {
        self.jobs.retain(|paused, _| paused.as_str() != job);
    }
}

impl Queue {
    /// An empty one, that is held back if everything is.
    pub(in crate::backend::memory) fn held_by(everything: Option<Paused>) -> Self {
        Self { paused: Pauses { everything, ..Pauses::default() }, ..Self::default() }
    }

    pub(in crate::backend::memory) fn pause(&mut self, paused: Paused) {
        let kept = if paused.everything { &mut self.paused.everything } else { &mut self.paused.own };
        *kept = Some(paused);
    }

    pub(in crate::backend::memory) fn resume(&mut self, scope: &Scope, now: Timestamp) {
        match scope {
            Scope::Queue(_) => self.paused.own = None,
            Scope::Everything => self.paused.everything = None,
            Scope::Job(_, job) => self.resume_job(job, now),
        }
    }

    pub(in crate::backend::memory) fn pause_job(&mut self, job: &JobName, paused: Paused) {
        self.paused.jobs.insert(job.clone(), paused);
    }

    fn resume_job(&mut self, job: &JobName, now: Timestamp) {
        if let Some(paused) = self.paused.jobs.get_mut(job) {
            paused.until = Some(now);
            let Ok(_) = wake_resumed(self, now.timestamp_millis(), LANES_PER_CALL);
        }
    }

    pub(in crate::backend::memory) fn paused_jobs(&self, now: Timestamp) -> BTreeMap<JobName, Paused> {
        let lasting = self.paused.jobs.iter().filter(|(_, paused)| paused.lasts(now));
        lasting.map(|(job, paused)| (job.clone(), paused.clone())).collect()
    }

    /// Whether the runs of a job are put aside, or nothing is handed out at all.
    pub(super) fn is_job_paused(&self, job: &JobName, now: Timestamp) -> bool {
        self.is_paused(now) || self.paused.jobs.get(job).is_some_and(|paused| paused.lasts(now))
    }

    pub(in crate::backend::memory) fn paused(&self, now: Timestamp) -> Option<Paused> {
        let Pauses { own, everything, .. } = &self.paused;
        let lasting = |paused: &Option<Paused>| paused.clone().filter(|paused| paused.lasts(now));
        Paused::longer(lasting(own), lasting(everything))
    }

    pub(super) fn is_paused(&self, now: Timestamp) -> bool {
        let Pauses { own, everything, .. } = &self.paused;
        own.iter().chain(everything).any(|paused| paused.lasts(now))
    }
}
