//! Performs runs, one at a time. Below it is application code.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::desk::Desk;
use super::outbox::{Ended, Outbox};
use super::places::Place;
use super::tally::Ending;
use super::time_left::{Limit, TimeLeft};
use crate::backend::{Claim, Fate, Settlement};
use crate::clock::Timestamp;
use crate::events::Event;
use crate::job::{
    Attempt, Conclusion, Core, Halt, JobError, JobResult, JobSpec, Kind, Outcome, Performance, Registration,
    Retry, WhyCancelled, decide, panic_message,
};
use crate::job_run::{Envelope, EnvelopeError, JobRun, PastAttempt};
use crate::middleware;
use crate::name::{JobName, QueueName};

/// How long a job's `after` hook may take.
const AFTER_LIMIT: Duration = Duration::from_secs(30);

/// A claimed run on its way to an executor.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) queue: QueueName,
    pub(super) claim: Claim,
    pub(super) claimed_at: Timestamp,
    pub(super) halt: Halt,
    /// One of those that its queue has in this process; free again when this is dropped.
    pub(super) _place: Option<Place>,
}

/// What is known of a claimed run's job.
struct Known {
    job: Option<JobName>,
    /// The job, if it can be performed here.
    registration: Option<&'static Registration>,
    /// The version of its arguments in this process.
    version: Option<u32>,
    retry: Retry,
    time: TimeLeft,
    /// Whether its executor waits until what became of it is on record.
    sync_ack: bool,
}

#[derive(Clone)]
pub(super) struct Executor {
    pub(super) desk: Arc<Desk>,
    pub(super) outbox: Arc<Outbox>,
}

impl Executor {
    /// Performs one run and passes on what becomes of it.
    pub(super) async fn execute(&self, work: &Work) {
        let started = Instant::now();
        let (envelope, known) = self.read(work);
        let conclusion = match envelope {
            // It was cancelled between its claim and now.
            _ if work.halt.is_requested() => Outcome::Cancelled.into(),
            Ok(envelope) => match known.registration {
                Some(registration) => self.perform(registration, work, &known.time, envelope).await,
                None => Outcome::UnknownJob.into(),
            },
            Err(error) if error.is_newer() => Outcome::UnknownJob.into(),
            Err(error) => Outcome::Undecodable(error.to_string()).into(),
        };
        self.end(work, known, conclusion, started.elapsed()).await;
    }

    /// Fails a run whose executor died of a panic outside of its job.
    pub(super) async fn fail(&self, work: &Work, error: String) {
        let outcome = Outcome::Failed { error, retry_after: None };
        self.end(work, self.read(work).1, outcome.into(), Duration::ZERO).await;
    }

    /// Hands a run back that there is no executor for.
    pub(super) async fn hand_back(&self, work: &Work) {
        self.end(work, self.read(work).1, Outcome::Interrupted.into(), Duration::ZERO).await;
    }

    fn read(&self, work: &Work) -> (Result<Envelope, EnvelopeError>, Known) {
        let envelope = Envelope::read(&work.claim.envelope);
        let job = envelope.as_ref().ok().map(|envelope| envelope.job.clone());
        let found = job.as_ref().and_then(|job| self.desk.registry.find(job));
        let is_known = |found: &&Registration| envelope.as_ref().is_ok_and(|run| found.knows_version(run));
        let registration = found.filter(is_known).filter(|found| self.can_perform(found));
        let spec = found.map(|found| found.spec);
        let known = Known {
            job,
            registration,
            version: spec.map(|spec| spec.version),
            retry: spec.map_or(Retry::DEFAULT, |spec| spec.retry),
            time: TimeLeft::of(spec, &work.claim, work.claimed_at),
            sync_ack: spec.is_some_and(|spec| spec.sync_ack),
        };
        (envelope, known)
    }

    async fn end(&self, work: &Work, known: Known, conclusion: Conclusion, took: Duration) {
        let Work { queue, claim, halt, .. } = work;
        let Conclusion { outcome, ended, causes } = match conclusion.outcome {
            // What nobody wants any more is not tried again.
            Outcome::Succeeded => conclusion,
            _ if halt.is_requested() => Outcome::Cancelled.into(),
            _ => conclusion,
        };
        let (attempts, chance) = (claim.history.attempts, (self.desk.settings.chance)());
        let mut fate = decide(&outcome, &claim.history, &known.retry, known.time.deadline(), chance);
        if let Fate::Reschedule { history, .. } | Fate::Banish { history } = &mut fate
            && history.attempts > attempts
        {
            let (at, overseer) = (work.claimed_at, self.desk.overseer.clone());
            history.remember(PastAttempt::new(attempts + 1, at, overseer, known.version, ended, &causes));
        }
        let ending = Ending::of(&outcome);
        if self.desk.held.settling(queue, &claim.token) {
            self.desk.events.emit(|| {
                let (queue, job, id) = (queue.clone(), known.job, claim.id.clone());
                Event::Finished { queue, job, id, attempt: attempts + 1, took, outcome, fate: fate.clone() }
            });
            let settlement = Settlement { id: claim.id.clone(), token: claim.token.clone(), fate };
            let (waiter, written) = known.sync_ack.then(oneshot::channel).unzip();
            self.outbox.put(Ended { queue: queue.clone(), settlement, ending, waiter }).await;
            if let Some(written) = written {
                // Either way: it is written down, or never will be.
                let _ = written.await;
            }
        } else {
            self.desk.tally.refused();
            self.desk.events.emit(|| Event::SettlementRefused { queue: queue.clone(), id: claim.id.clone() });
        }
    }

    /// A job that needs a state this runner was not given belongs to another process.
    fn can_perform(&self, registration: &Registration) -> bool {
        registration.missing_states(&self.desk.states).next().is_none()
    }

    async fn perform(
        &self,
        registration: &Registration,
        work: &Work,
        time: &TimeLeft,
        envelope: Envelope,
    ) -> Conclusion {
        let Work { queue, claim, claimed_at, halt, .. } = work;
        let attempt = claim.history.attempts + 1;
        let _lasting = halt.begin(Attempt { job: envelope.job.clone(), number: attempt, since: *claimed_at });
        let span = tracing::info_span!(
            target: "mosquito", "perform", %queue, job = %envelope.job, run = %claim.id, attempt
        );
        self.desk.events.emit(|| {
            let (queue, job, id) = (queue.clone(), envelope.job.clone(), claim.id.clone());
            Event::Started { queue, job, id, attempt }
        });
        let envelope = match upgraded(registration, envelope) {
            Ok(envelope) => envelope,
            Err(outcome) => return outcome.into(),
        };
        let run = JobRun {
            id: claim.id.clone(),
            queue: queue.clone(),
            envelope,
            attempt,
            claimed_at: *claimed_at,
            history: claim.history.clone(),
        };
        let core = Arc::new(Core {
            run,
            halt: halt.clone(),
            states: self.desk.states.clone(),
            enqueuer: self.desk.enqueuer.clone(),
            extensions: OnceLock::new(),
        });
        let performance = match decode(registration, &core) {
            Ok(performance) => performance,
            Err(reason) => return Outcome::Undecodable(reason).into(),
        };
        let steps = steps(&*performance, time.limit(), halt);
        let layers = &self.desk.settings.middleware;
        let result = match layers.is_empty() {
            true => steps.instrument(span).await,
            false => {
                let holds_its_thread = performance.holds_its_thread();
                let around = middleware::around(layers, &core, registration.spec, steps, holds_its_thread);
                // What most runners do not need takes no room in every executor.
                Box::pin(around).instrument(span).await
            }
        };
        self.conclude(&*performance, attempt, result, halt)
    }

    fn conclude(
        &self,
        performance: &dyn Performance,
        attempt: u32,
        result: JobResult,
        halt: &Halt,
    ) -> Conclusion {
        let Err(error) = result else { return Outcome::Succeeded.into() };
        match error.0 {
            Kind::Dead(reason) => Outcome::GivenUp(reason).into(),
            Kind::Discard(reason) => Outcome::Discarded(reason).into(),
            Kind::Snooze(delay) => Outcome::Snoozed(delay).into(),
            // A run that was told to end, because its process is about to, did not fail.
            Kind::Failed(_) | Kind::RetryIn(..) | Kind::Panicked(_)
                if halt.token().is_cancelled() && self.desk.stop.is_cancelled() =>
            {
                Outcome::Interrupted.into()
            }
            Kind::RetryIn(delay, _) => Conclusion::failure(&error, Some(delay)),
            Kind::Failed(_) | Kind::Panicked(_) | Kind::TimedOut(_) | Kind::DeadlineOver(_) => {
                let asked =
                    std::panic::catch_unwind(AssertUnwindSafe(|| performance.retry_after(attempt, &error)));
                Conclusion::failure(&error, asked.unwrap_or_default())
            }
        }
    }
}

/// The run as it is written today, or what becomes of one that cannot be.
fn upgraded(registration: &Registration, envelope: Envelope) -> Result<Envelope, Outcome> {
    let JobSpec { name, version, .. } = registration.spec;
    let from = envelope.version;
    let error = match std::panic::catch_unwind(AssertUnwindSafe(|| registration.upgraded(envelope))) {
        Ok(Ok(envelope)) => return Ok(envelope),
        Ok(Err(error)) => error,
        Err(panic) => JobError(Kind::Panicked(panic_message(panic))),
    };
    Err(match error.0 {
        Kind::Dead(reason) => Outcome::GivenUp(reason),
        Kind::Discard(reason) => Outcome::Discarded(reason),
        Kind::Snooze(delay) => Outcome::Snoozed(delay),
        Kind::RetryIn(delay, _) => Outcome::Failed { error: error.to_string(), retry_after: Some(delay) },
        Kind::Failed(_) | Kind::Panicked(_) | Kind::TimedOut(_) | Kind::DeadlineOver(_) => {
            let what = format!(
                "the arguments of version {from} do not upgrade to version {version} of job `{name}`"
            );
            Outcome::Undecodable(match registration.spec.redacted {
                [] => format!("{what}: {error}"),
                _ => format!("{what}; why is not told, since some of them are redacted"),
            })
        }
    })
}

fn decode(registration: &Registration, core: &Arc<Core>) -> Result<Box<dyn Performance>, String> {
    match std::panic::catch_unwind(AssertUnwindSafe(|| registration.decode(core))) {
        Ok(Ok(performance)) => Ok(performance),
        Ok(Err(error)) => Err(registration.undecodable(&error)),
        Err(panic) => {
            let JobSpec { name, redacted, .. } = registration.spec;
            // It may quote what it was given.
            Err(match redacted {
                [] => format!("decoding the arguments as job `{name}` panicked: {}", panic_message(panic)),
                _ => format!(
                    "decoding the arguments as job `{name}` panicked; why is not told, since some of them are redacted"
                ),
            })
        }
    }
}

/// `before`, `perform` and `after`: panics and timeouts become errors.
async fn steps(performance: &dyn Performance, limit: Option<Limit>, halt: &Halt) -> JobResult {
    if let Some(limit) = limit.filter(|limit| limit.time.is_zero()) {
        // It waited for this attempt until its deadline was over.
        return Err(limit.exceeded());
    }
    let let_through = AtomicBool::new(false);
    let attempt = async {
        guarded(async { performance.before().await }).await.and_then(|result| result)?;
        let_through.store(true, Ordering::Relaxed);
        guarded(async { performance.perform().await }).await.and_then(|result| result)
    };
    let result = within(limit, attempt, performance.holds_its_thread(), halt).await;
    if let_through.load(Ordering::Relaxed) {
        let after = guarded(async { performance.after(&result).await });
        match tokio::time::timeout(AFTER_LIMIT, after).await {
            Ok(Ok(())) => (),
            Ok(Err(error)) => {
                tracing::error!(target: "mosquito", %error, "the after hook failed; the outcome stands");
            }
            Err(_) => {
                tracing::error!(target: "mosquito", limit = ?AFTER_LIMIT, "the after hook timed out; the outcome stands");
            }
        }
    }
    result
}

async fn within<T>(
    limit: Option<Limit>,
    work: impl Future<Output = Result<T, JobError>>,
    holds_its_thread: bool,
    halt: &Halt,
) -> Result<T, JobError> {
    let Some(limit) = limit else { return work.await };
    tokio::pin!(work);
    match tokio::time::timeout(limit.time, &mut work).await {
        Ok(result) => result,
        Err(_) => {
            halt.fire(WhyCancelled::TimeUp);
            if holds_its_thread {
                // Tried again beside its own thread, the run would be performed twice at once.
                tracing::warn!(target: "mosquito", limit = ?limit.time, "a blocking job is over its time; its token has fired");
                let _ = work.await;
            }
            Err(limit.exceeded())
        }
    }
}

async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, JobError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|panic| JobError(Kind::Panicked(panic_message(panic))))
}
