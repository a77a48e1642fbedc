//! Which queues have partitions, and into which of them a run goes.
//!
//! To a store a partition is a queue like any other. What one name means is known here: the queue itself, which takes what was enqueued by
//! somebody who does not know of its partitions, the partitions that jobs declare, and those that stand in the store from before.
//!
//! Invariant: the same run, enqueued again under its id, goes into the same partition, so that it is found to be there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::OnceLock;

use serde_json::Result as JsonResult;

use crate::backend::Backend;
use crate::error::{Error, Result};
use crate::flow::{FlowKey, partition_of};
use crate::job::enqueue::Place;
use crate::job::{Job, Registration};
use crate::job_run::NewRun;
use crate::name::{MOST_PARTITIONS, QueueName};

/// The queues of a store that a name means, the whole first: itself and its partitions, those that are declared and those that are there.
/// A partition is only itself. Where the list of those that are there is out of reach, what is declared is all that is known.
pub(crate) async fn parts(backend: &dyn Backend, queue: &QueueName) -> Result<Vec<QueueName>> {
    if queue.is_partition() {
        return Ok(vec![queue.clone()]);
    }
    let stored = match backend.queues().await {
        Ok(stored) => stored,
        // In a cluster the list may be out of reach where the queue is not.
        Err(error) if error.is_transient() && declared().contains_key(queue.as_str()) => {
            tracing::warn!(target: "mosquito", %queue, ?error, "partitions that no job of this program declares are left out");
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let stored =
        stored.into_iter().filter(|other| other.is_partition() && other.whole_str() == queue.as_str());
    let numbers = declared_parts(queue).into_iter().chain(stored).filter_map(|part| part.partition());
    let numbers: BTreeSet<u32> = numbers.collect();
    let parts = numbers.into_iter().filter_map(|number| queue.at_partition(number));
    Ok(std::iter::once(queue.clone()).chain(parts).collect())
}

/// The queues of a store that a name means as far as jobs of this program declare it, the whole first.
pub(crate) fn declared_parts(queue: &QueueName) -> Vec<QueueName> {
    let mut parts = vec![queue.clone()];
    if !queue.is_partition()
        && let Some(partitions @ 2..) = declared().get(queue.as_str()).copied()
    {
        parts.extend((0..partitions).filter_map(|number| queue.at_partition(number)));
    }
    parts
}

/// How many partitions each queue has that jobs of this program declare; 1 when it is whole.
fn declared() -> &'static HashMap<&'static str, u32> {
    static DECLARED: OnceLock<HashMap<&'static str, u32>> = OnceLock::new();
    DECLARED.get_or_init(|| {
        let mut declared = HashMap::new();
        for spec in inventory::iter::<Registration>.into_iter().map(|job| job.spec) {
            // Those that do not agree are told so when a runner is built; here no partition is to be overlooked.
            let most = declared.entry(spec.queue).or_insert(1);
            *most = spec.partitions.min(MOST_PARTITIONS).max(*most);
        }
        declared
    })
}

/// Jobs that are enqueued in one queue agree on its partitions: otherwise a key would have several.
pub(super) fn problems(jobs: &[&'static Registration]) -> Vec<String> {
    let mut queues: BTreeMap<&str, Vec<&'static Registration>> = BTreeMap::new();
    for job in jobs {
        queues.entry(job.spec.queue).or_default().push(job);
    }
    let mut problems = Vec::new();
    for (queue, jobs) in queues {
        let (first, others) = jobs.split_first().expect("a queue is some job's");
        problems.extend(others.iter().filter(|other| other.spec.partitions != first.spec.partitions).map(|other| {
            format!(
                "`{}` and `{}` are enqueued in `{queue}`, but one says that it has {}, the other {}; give both the same, or each its own queue",
                (first.type_name)(),
                (other.type_name)(),
                shown(first.spec.partitions),
                shown(other.spec.partitions),
            )
        }));
    }
    problems
}

/// What is wrong with the partitions of one job's queue, which the attribute would have refused.
pub(super) fn problem(job: &Registration) -> Option<String> {
    let spec = job.spec;
    if spec.queue.contains('~') {
        return Some(format!("its queue `{}` is a partition: name the whole queue", spec.queue));
    }
    if !(1..=MOST_PARTITIONS).contains(&spec.partitions) {
        return Some(format!(
            "its queue has {} partitions: it can have 1 to {MOST_PARTITIONS}",
            spec.partitions
        ));
    }
    (spec.partitions > 1 && spec.schedule.is_some())
        .then(|| "it is periodic, and its queue has partitions: give it one that has none".to_owned())
}

fn shown(partitions: u32) -> String {
    match partitions {
        1 => "no partitions".into(),
        partitions => format!("{partitions} partitions"),
    }
}

/// Where the runs of one enqueue go: into a queue, or each into one of its partitions.
#[derive(Debug)]
pub(super) struct Destination {
    queue: QueueName,
    partitions: u32,
}

impl Destination {
    pub(super) fn of<J: Job>(place: &Place) -> Result<Self> {
        let spec = J::SPEC;
        let name = place.queue.as_deref().unwrap_or(spec.queue);
        let queue = QueueName::new(name)?;
        let partitions = match &place.queue {
            Some(_) if queue.is_partition() => 1,
            Some(name) if name != spec.queue => declared().get(name.as_str()).copied().unwrap_or(1),
            _ => spec.partitions.clamp(1, MOST_PARTITIONS),
        };
        Ok(Self { queue, partitions })
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions
    }

    /// The queue of the store with this number.
    pub(super) fn part(&self, number: u32) -> QueueName {
        let part = (self.partitions > 1).then(|| self.queue.at_partition(number)).flatten();
        part.unwrap_or_else(|| self.queue.clone())
    }
}

/// By what the runs of one enqueue are told apart, where it says so itself.
pub(super) struct PartitionBy<J>(Option<Box<KeyOf<J>>>);

type KeyOf<J> = dyn Fn(&J) -> JsonResult<FlowKey> + Send;

impl<J> PartitionBy<J> {
    pub(super) fn said(key: impl Fn(&J) -> JsonResult<FlowKey> + Send + 'static) -> Self {
        Self(Some(Box::new(key)))
    }
}

impl<J: Job> PartitionBy<J> {
    /// The number of the partition that a run goes into: by the key that was said or declared, else by the one that it is unique by, which is
    /// looked up in one partition only, else by its id.
    pub(super) fn number(&self, to: &Destination, job: &J, run: &NewRun) -> Result<u32> {
        let name = || J::SPEC.name.to_owned();
        if to.partitions == 1 {
            return match self.0 {
                None => Ok(0),
                Some(_) => Err(Error::Flow { job: name(), reason: no_partitions(&to.queue) }),
            };
        }
        let said = self.0.as_ref().map(|key| key(job)).transpose();
        let said = said.map_err(|why| Error::Unserializable { job: name(), source: why.into() })?;
        let key = match said {
            Some(key) => Some(key),
            None => job.partition_key()?,
        };
        let unique = run.flow.as_ref().and_then(|flow| flow.unique.as_ref());
        let text = match (&key, unique) {
            (Some(key), _) => key.as_str(),
            (None, Some(unique)) => unique.key.as_str(),
            (None, None) => run.id.as_str(),
        };
        Ok(partition_of(text, to.partitions))
    }
}

fn no_partitions(queue: &QueueName) -> String {
    format!(
        "it is to be partitioned by a key, but the queue `{queue}` has no partitions that a job of this program declares"
    )
}

impl<J> Default for PartitionBy<J> {
    fn default() -> Self {
        Self(None)
    }
}

impl<J> fmt::Debug for PartitionBy<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "by a key" } else { "as declared" })
    }
}
