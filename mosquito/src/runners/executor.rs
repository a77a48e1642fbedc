//! Performs runs, one at a time. Below it is application code.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::desk::Desk;
use super::settler::Ended;
use super::tally::Ending;
use crate::backend::{Claim, Settlement};
use crate::clock::Timestamp;
use crate::events::Event;
use crate::job::{Core, JobError, JobResult, Kind, Outcome, Performance, Registration, Retry, decide};
use crate::job_run::{History, JobRun};
use crate::name::{JobName, QueueName};

/// How long a job's `after` hook may take.
const AFTER_LIMIT: Duration = Duration::from_secs(30);

/// A claimed run on its way to an executor.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) queue: QueueName,
    pub(super) claim: Claim,
    pub(super) claimed_at: Timestamp,
    pub(super) token: CancellationToken,
}

#[derive(Clone)]
pub(super) struct Executor {
    pub(super) desk: Arc<Desk>,
    pub(super) settler: mpsc::Sender<Ended>,
}

impl Executor {
    /// Performs one run and passes on what becomes of it.
    pub(super) async fn execute(&self, work: &Work) {
        let started = Instant::now();
        let Work { queue, claim, claimed_at, token } = work;
        let history = claim.history.clone();
        let run = JobRun::read(claim.id.clone(), queue.clone(), &claim.envelope, history, *claimed_at);
        let (job, retry, age, outcome) = match run {
            Ok(run) => {
                let (job, age) = (run.job.clone(), *claimed_at - run.enqueued_at);
                let registration = self.desk.registry.find(&job).filter(|found| self.can_perform(found));
                let retry = registration.map_or(Retry::DEFAULT, |found| found.spec.retry);
                let outcome = match registration {
                    Some(registration) => self.perform(registration, run, token.clone()).await,
                    None => Outcome::UnknownJob,
                };
                (Some(job), retry, age.to_std().unwrap_or_default(), outcome)
            }
            Err(error) if error.is_newer() => (None, Retry::DEFAULT, Duration::ZERO, Outcome::UnknownJob),
            Err(error) => (None, Retry::DEFAULT, Duration::ZERO, Outcome::Undecodable(error.to_string())),
        };
        self.end(work, job, &retry, age, outcome, started.elapsed()).await;
    }

    /// Fails a run whose executor died of a panic outside of its job.
    pub(super) async fn fail(&self, work: &Work, error: String) {
        let outcome = Outcome::Failed { error, retry_after: None };
        self.end(work, None, &Retry::DEFAULT, Duration::ZERO, outcome, Duration::ZERO).await;
    }

    async fn end(
        &self,
        work: &Work,
        job: Option<JobName>,
        retry: &Retry,
        age: Duration,
        outcome: Outcome,
        took: Duration,
    ) {
        let Work { queue, claim, .. } = work;
        let History { attempts, .. } = claim.history;
        let fate = decide(&outcome, &claim.history, age, retry, fastrand::f64());
        let ending = Ending::of(&outcome);
        if self.desk.held.settling(queue, &claim.token) {
            self.desk.events.emit(|| {
                let (queue, id, fate) = (queue.clone(), claim.id.clone(), fate.clone());
                Event::Finished { queue, job, id, attempt: attempts + 1, took, outcome, fate }
            });
            let settlement = Settlement { id: claim.id.clone(), token: claim.token.clone(), fate };
            let ended = Ended { queue: queue.clone(), settlement, ending };
            self.settler.send(ended).await.expect("the settler outlives the executors");
        } else {
            self.desk.tally.refused();
            self.desk.events.emit(|| Event::SettlementRefused { queue: queue.clone(), id: claim.id.clone() });
        }
    }

    /// A job that needs a state this runner was not given belongs to another process.
    fn can_perform(&self, registration: &Registration) -> bool {
        (registration.states)().iter().all(|state| self.desk.states.has(state.id))
    }

    async fn perform(&self, registration: &Registration, run: JobRun, token: CancellationToken) -> Outcome {
        let span = tracing::info_span!(
            target: "mosquito", "perform", queue = %run.queue, job = %run.job, run = %run.id, attempt = run.attempt
        );
        self.desk.events.emit(|| {
            let (queue, job, id) = (run.queue.clone(), run.job.clone(), run.id.clone());
            Event::Started { queue, job, id, attempt: run.attempt }
        });
        let attempt = run.attempt;
        let core = Core {
            run,
            token: token.clone(),
            states: self.desk.states.clone(),
            enqueuer: self.desk.enqueuer.clone(),
        };
        let performance = match decode(registration, &Arc::new(core)) {
            Ok(performance) => performance,
            Err(reason) => return Outcome::Undecodable(reason),
        };
        let result = steps(&*performance, registration.spec.timeout, &token).instrument(span).await;
        self.outcome(&*performance, attempt, result, &token)
    }

    fn outcome(
        &self,
        performance: &dyn Performance,
        attempt: u32,
        result: JobResult,
        token: &CancellationToken,
    ) -> Outcome {
        let Err(error) = result else { return Outcome::Succeeded };
        // A run that was told to end, because its process is about to, did not fail.
        if token.is_cancelled() && self.desk.stop.is_cancelled() && !error.is_timeout() {
            return Outcome::Interrupted;
        }
        match error.0 {
            Kind::Dead(reason) => Outcome::GivenUp(reason),
            Kind::Discard(reason) => Outcome::Discarded(reason),
            Kind::Snooze(delay) => Outcome::Snoozed(delay),
            Kind::RetryIn(delay, _) => Outcome::Failed { error: error.to_string(), retry_after: Some(delay) },
            Kind::Failed(_) | Kind::Panicked(_) | Kind::TimedOut(_) => {
                let asked =
                    std::panic::catch_unwind(AssertUnwindSafe(|| performance.retry_after(attempt, &error)));
                Outcome::Failed { error: error.to_string(), retry_after: asked.unwrap_or_default() }
            }
        }
    }
}

fn decode(registration: &Registration, core: &Arc<Core>) -> Result<Box<dyn Performance>, String> {
    let name = registration.spec.name;
    match std::panic::catch_unwind(AssertUnwindSafe(|| registration.decode(core))) {
        Ok(Ok(performance)) => Ok(performance),
        Ok(Err(error)) => {
            let (path, why) = (error.path().to_string(), error.inner());
            let place = if path == "." { String::new() } else { format!(" at `{path}`") };
            Err(format!("the arguments do not decode as job `{name}`{place}: {why}"))
        }
        Err(panic) => Err(format!("decoding the arguments as job `{name}` panicked: {}", message(panic))),
    }
}

/// `before`, `perform` and `after`: panics and timeouts become errors.
async fn steps(
    performance: &dyn Performance,
    limit: Option<Duration>,
    token: &CancellationToken,
) -> JobResult {
    guarded(async { performance.before().await }).await.and_then(|result| result)?;
    let perform = guarded(async { performance.perform().await });
    let result =
        within(limit, perform, performance.holds_its_thread(), token).await.and_then(|result| result);
    let after = guarded(async { performance.after(&result).await });
    match tokio::time::timeout(AFTER_LIMIT, after).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) => {
            tracing::error!(target: "mosquito", %error, "the after hook failed; the outcome stands")
        }
        Err(_) => {
            tracing::error!(target: "mosquito", limit = ?AFTER_LIMIT, "the after hook timed out; the outcome stands")
        }
    }
    result
}

async fn within<T>(
    limit: Option<Duration>,
    work: impl Future<Output = Result<T, JobError>>,
    holds_its_thread: bool,
    token: &CancellationToken,
) -> Result<T, JobError> {
    let Some(limit) = limit else { return work.await };
    tokio::pin!(work);
    match tokio::time::timeout(limit, &mut work).await {
        Ok(result) => result,
        Err(_) => {
            token.cancel();
            if holds_its_thread {
                // Tried again beside its own thread, the run would be performed twice at once.
                tracing::warn!(target: "mosquito", ?limit, "a blocking job is over its time; its token has fired");
                let _ = work.await;
            }
            Err(JobError(Kind::TimedOut(limit)))
        }
    }
}

async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, JobError> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| JobError(Kind::Panicked(message(panic))))
}

/// What a panic said. Dropping what it said may panic again: that ends the executor, and the pool replaces it.
pub(super) fn message(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "without a message".into(), |text| (*text).into())
        }
    }
}
