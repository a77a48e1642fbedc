//! Flows for the runs of tests whose ledger is about something else.
//!
//! Half of all ids have one, which follows from the id alone: so whoever looks at the end knows what each run may have held. All limits are so
//! wide that they keep nobody away, and a unique key is a run's own: what is promised of a plain run is promised of these, too.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use fastrand::Rng;
use futures_util::{StreamExt, TryStreamExt, stream};
use mosquito::backend::{BATCH_LIMIT, Enqueued};
use mosquito::{
    Body, Concurrency, ConcurrencyUse, Fair, Flow, FlowKey, Job, JobName, LimitName, Mosquito, NewRun,
    OnConflict, Priority, QueueName, RateKind, RateLimit, RateUse, RunId, Unique, Until, When,
};
use serde_json::value::to_raw_value;

/// The name of the concurrency limit, of these runs and of the jobs of `crash-worker`.
const WIDE: &str = "wide";

/// How many keys each limit has.
const KEYS: u8 = 4;

/// How many questions are on their way at the same time.
const AT_ONCE: usize = 200;

/// Over long before the run of a worker that is alive can be looked for, and not before the next enqueue.
const FOR: Duration = Duration::from_millis(50);

/// What goes before a run and what it holds; nothing for half of all ids.
#[must_use]
pub fn flow_of(id: &RunId) -> Option<Flow> {
    let mut hasher = DefaultHasher::new();
    id.as_str().hash(&mut hasher);
    let mut random = Rng::with_seed(hasher.finish());
    random.bool().then(|| Flow {
        priority: Priority::at(random.u8(0..10)),
        unique: (random.u8(0..4) > 0).then(|| unique(id, &mut random)),
        rate: random.bool().then(|| rate(&mut random)),
        concurrency: (random.u8(0..4) > 0).then(|| slot(random.u8(0..KEYS))),
        fair: random.bool().then(|| Fair { key: key(&random.u8(0..20)), weight: random.u32(1..4) }),
        expires: None,
    })
}

/// A run of a job, with the flow of its id.
///
/// # Panics
///
/// When the job does not serialize.
#[must_use]
pub fn run_of<J: Job>(id: RunId, job: &J) -> NewRun {
    let name = JobName::new(J::SPEC.name).expect("a job has a name");
    let args = to_raw_value(job).expect("a job serializes");
    let body = Body { version: J::SPEC.version, ..Body::new(&name, &args) };
    let flow = flow_of(&id).unwrap_or_default();
    NewRun::new(id, When::Now, &body).flowing(flow)
}

/// Enqueues runs, each with the flow of its id. Answers in the order given.
///
/// # Errors
///
/// When the store refuses, or does not answer.
pub async fn enqueue_flowing<J: Job>(
    mosquito: &Mosquito,
    runs: impl IntoIterator<Item = (RunId, J)>,
) -> mosquito::Result<Vec<Enqueued>> {
    let queue = QueueName::new(J::SPEC.queue).expect("a job names a queue");
    let runs: Vec<_> = runs.into_iter().map(|(id, job)| run_of(id, &job)).collect();
    let mut answers = Vec::with_capacity(runs.len());
    for some in runs.chunks(BATCH_LIMIT) {
        answers.extend(mosquito.backend().enqueue(&queue, some).await?);
    }
    Ok(answers)
}

/// What is held although nothing runs any more, in sentences: slots, and unique keys of these runs.
///
/// # Errors
///
/// When the store does not answer.
///
/// # Panics
///
/// When an id is none.
pub async fn leaks(
    mosquito: &Mosquito,
    ids: impl IntoIterator<Item = String>,
) -> mosquito::Result<Vec<String>> {
    let store = mosquito.backend();
    let ids = ids.into_iter().map(|id| RunId::new(id).expect("a store has taken it"));
    let keys: Vec<_> = ids.filter_map(|id| flow_of(&id)?.unique).map(|unique| unique.key).collect();
    let mut leaks = Vec::new();
    for queue in store.queues().await? {
        for key in (0..KEYS).map(|number| key(&number)).chain([FlowKey::all()]) {
            let report = store.limit(&queue, &wide(), &key).await?;
            if let Some(slots) = report.concurrency.filter(|slots| slots.used > 0) {
                leaks.push(format!("{} slots of {key} are taken in `{queue}`", slots.used));
            }
        }
        let holders = stream::iter(&keys).map(|key| store.holder(&queue, key)).buffer_unordered(AT_ONCE);
        let held: Vec<_> = holders.try_filter_map(|holder| async { Ok(holder) }).try_collect().await?;
        leaks.extend(held.iter().map(|run| format!("{run} has its unique key in `{queue}`")));
    }
    Ok(leaks)
}

/// A key that no other run has: nobody is kept away by it, but the run must give it back.
fn unique(id: &RunId, random: &mut Rng) -> Unique {
    let untils = [Until::Start, Until::Finish, Until::StartThenWhileRunning, Until::For(FOR)];
    let answers = [OnConflict::Return, OnConflict::Replace, OnConflict::Reject, OnConflict::KeepLatest];
    let (until, answer) = (untils[random.usize(..untils.len())], answers[random.usize(..answers.len())]);
    Unique::by(key(&id.as_str())).until(until).on_conflict(answer)
}

fn rate(random: &mut Rng) -> RateUse {
    let kinds =
        [("sliding", RateKind::Sliding), ("bucket", RateKind::TokenBucket), ("fixed", RateKind::Fixed)];
    let (name, kind) = kinds[random.usize(..kinds.len())];
    let rule = RateLimit { limit: RateLimit::MOST, per: Duration::from_secs(1), kind };
    let name = LimitName::new(name).expect("it is a name");
    RateUse { name, key: key(&random.u8(0..KEYS)), weight: random.u32(1..10), rule }
}

fn slot(number: u8) -> ConcurrencyUse {
    ConcurrencyUse { name: wide(), key: key(&number), rule: Concurrency { limit: 10_000 } }
}

fn wide() -> LimitName {
    LimitName::new(WIDE).expect("it is a name")
}

fn key(value: &impl serde::Serialize) -> FlowKey {
    FlowKey::readable(&(value,)).expect("text and numbers serialize")
}

#[cfg(test)]
mod tests {
    use mosquito::backend::{Fate, Settlement, Ticket};
    use mosquito::{Mosquito, OverseerId, QueueName, RunId};

    use super::{enqueue_flowing, flow_of, leaks};

    /// Does nothing.
    #[mosquito::job(queue = "work")]
    struct Nothing;

    impl mosquito::Perform for Nothing {
        async fn perform(&self, _: &mosquito::Context<Self>) -> mosquito::JobResult {
            Ok(())
        }
    }

    #[test]
    fn half_of_all_ids_have_a_flow_and_it_is_the_same_each_time() {
        let ids: Vec<_> = (0..1_000).map(|n| RunId::new(format!("r{n}")).unwrap()).collect();
        let flows: Vec<_> = ids.iter().map(flow_of).collect();
        let flowing = flows.iter().flatten().count();

        assert!((400..600).contains(&flowing), "{flowing} of 1,000");
        assert_eq!(ids.iter().map(flow_of).collect::<Vec<_>>(), flows);
    }

    #[tokio::test(start_paused = true)]
    async fn what_runs_hold_is_told_while_they_are_performed_and_not_when_they_are_done() {
        let mosquito = Mosquito::connect("memory://").await.unwrap();
        let queue = QueueName::new("work").unwrap();
        let ids: Vec<_> = (0..100).map(|n| RunId::new(format!("r{n}")).unwrap()).collect();
        let runs = ids.iter().map(|id| (id.clone(), Nothing));
        let _new = enqueue_flowing(&mosquito, runs).await.unwrap();
        let ticket = Ticket { overseer: OverseerId::random(), number: 1 };
        let claimed = mosquito.backend().claim(&queue, &ticket, 100).await.unwrap().runs;

        let names = || ids.iter().map(RunId::to_string);
        let meanwhile = leaks(&mosquito, names()).await.unwrap();
        let done = claimed.into_iter().map(|claim| Settlement {
            id: claim.id,
            token: claim.token,
            fate: Fate::Forget,
        });
        let _settled = mosquito.backend().settle(&queue, &done.collect::<Vec<_>>()).await.unwrap();

        assert!(meanwhile.iter().any(|leak| leak.contains("slots of")), "{meanwhile:?}");
        assert!(meanwhile.iter().any(|leak| leak.contains("has its unique key")), "{meanwhile:?}");
        tokio::time::sleep(super::FOR).await;
        assert_eq!(leaks(&mosquito, names()).await.unwrap(), Vec::<String>::new());
    }
}
