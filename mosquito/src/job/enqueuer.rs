//! Puts runs of jobs into queues, on behalf of whoever asks.

use std::sync::Arc;

use crate::backend::{Backend, Durability, Enqueued, Met};
use crate::error::{Error, Result};
use crate::events::{Event, Events};
use crate::flow::Flow;
use crate::job::adjusting::Adjustments;
use crate::job::enqueue::Place;
use crate::job::partitions::PartitionBy;
use crate::job::{Enqueue, EnqueueAll, Job};
use crate::job_run::{NewRun, When};
use crate::middleware::EnqueueLayers;
use crate::name::{JobName, QueueName, RunId};

/// The largest arguments of one run, in bytes, unless the client is told otherwise.
pub(crate) const PAYLOAD_LIMIT: usize = 256 * 1024;

/// Enqueues on behalf of a client or of a job that is being performed.
#[derive(Clone, Debug)]
pub(crate) struct Enqueuer {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) events: Events,
    pub(crate) payload_limit: usize,
    pub(crate) middleware: EnqueueLayers,
    #[cfg(feature = "testing")]
    pub(crate) witness: Option<std::sync::Weak<dyn Witness>>,
}

/// Acts on each enqueue, before its caller goes on.
#[cfg(feature = "testing")]
#[async_trait::async_trait]
pub(crate) trait Witness: std::fmt::Debug + Send + Sync {
    async fn enqueued(&self) -> Result<()>;
}

impl Enqueuer {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Self {
        Self {
            backend,
            events: Events::new(),
            payload_limit: PAYLOAD_LIMIT,
            middleware: EnqueueLayers::default(),
            #[cfg(feature = "testing")]
            witness: None,
        }
    }

    pub(crate) fn enqueue<J: Job>(&self, job: J) -> Enqueue<J> {
        Enqueue {
            enqueuer: self.clone(),
            job,
            id: None,
            place: Place::default(),
            partition_by: PartitionBy::default(),
            adjustments: Adjustments::default(),
        }
    }

    pub(crate) fn enqueue_all<J: Job, I>(&self, jobs: I) -> EnqueueAll<J, I::IntoIter>
    where
        I: IntoIterator<Item = J>,
    {
        let jobs = jobs.into_iter();
        EnqueueAll {
            enqueuer: self.clone(),
            jobs,
            id: |_| RunId::random(),
            place: Place::default(),
            partition_by: PartitionBy::default(),
            adjustments: Adjustments::default(),
        }
    }

    /// Sends runs of one job to one queue, by way of the middleware, if there is any.
    pub(super) async fn send(
        &self,
        queue: &QueueName,
        job: &JobName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        match self.middleware.is_empty() {
            true => self.put(queue, job, runs, durability).await,
            false => self.middleware.enqueue(self, queue, job, runs.to_vec(), durability).await,
        }
    }

    /// Puts runs of one job into one queue, in one call.
    pub(crate) async fn put(
        &self,
        queue: &QueueName,
        job: &JobName,
        runs: &[NewRun],
        durability: Durability,
    ) -> Result<(Vec<Enqueued>, Met)> {
        let (answers, met) = match durability {
            Durability::Memory => (self.backend.enqueue(queue, runs).await?, Met::fully(durability)),
            _ => self.backend.enqueue_durably(queue, runs, durability).await?,
        };
        self.events.emit(|| {
            let new = answers.iter().filter(|answer| answer.is_new()).count();
            let replaced = answers.iter().filter(|answer| matches!(answer, Enqueued::Replaced(_))).count();
            let id = match runs {
                [run] => Some(run.id.clone()),
                _ => None,
            };
            let duplicates = answers.len() - new - replaced;
            Event::Enqueued { queue: queue.clone(), job: job.clone(), id, new, duplicates, replaced }
        });
        #[cfg(feature = "testing")]
        if let Some(witness) = self.witness.as_ref().and_then(std::sync::Weak::upgrade) {
            witness.enqueued().await?;
        }
        Ok((answers, met))
    }

    /// A run of a job that flows as it declares and as this enqueue says.
    pub(super) fn flowing_run_of<J: Job>(
        &self,
        id: RunId,
        when: When,
        name: &JobName,
        job: &J,
        adjustments: &mut Adjustments<J>,
    ) -> Result<NewRun> {
        let run = self.run_of(id, when, name, job)?;
        let mut flow = job.flow()?;
        let adjusted = adjustments.adjust(job, &mut flow);
        adjusted.map_err(|why| Error::Unserializable { job: J::SPEC.name.into(), source: why.into() })?;
        flowing(run, flow, J::SPEC.name)
    }

    /// A run of a job, if its arguments are not too large. It is a plain one.
    pub(crate) fn run_of<J: Job>(&self, id: RunId, when: When, name: &JobName, job: &J) -> Result<NewRun> {
        let spec = &J::SPEC;
        let (run, size) = NewRun::of(id, when, name, spec.version, job)
            .map_err(|why| Error::Unserializable { job: spec.name.into(), source: why.into() })?;
        if size > self.payload_limit {
            return Err(Error::PayloadTooLarge { job: spec.name.into(), size, limit: self.payload_limit });
        }
        Ok(run)
    }
}

/// The run with its flow, if there is nothing wrong with that.
pub(crate) fn flowing(run: NewRun, flow: Flow, job: &str) -> Result<NewRun> {
    match flow.problem() {
        None => Ok(run.flowing(flow)),
        Some(reason) => Err(Error::Flow { job: job.into(), reason: reason.into() }),
    }
}
