//! The settings of a runner, and everything that can be wrong with them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Runner, executor_count};
use crate::dequeue::{DequeueAdapter, Gate, Shuffle};
use crate::error::{BuildError, Result};
use crate::job::{Enqueuer, Job, Registration, Registry, States};
use crate::middleware::{Layers, Middleware};
use crate::name::{OverseerName, QueueName};
#[cfg(feature = "testing")]
use crate::runners::ByHand;
use crate::runners::{Desk, Gates, Overseer, QueueList, Settings};

/// The settings of a runner. [`build`](Self::build) checks all of them at once.
///
/// ```standalone_crate
/// # use mosquito::{Context, JobResult, Mosquito, Perform, job};
/// # #[job(state(Mailer))] struct Greet { name: String }
/// # struct Mailer;
/// # impl Perform for Greet { async fn perform(&self, _: &Context<Self>) -> JobResult { Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> mosquito::Result<()> {
/// let mosquito = Mosquito::connect("memory://").await?;
/// mosquito.enqueue(Greet { name: "Ada".into() }).await?;
///
/// let runner = mosquito.runner().state(Mailer).executors(4).build()?;
/// # let handle = runner.handle();
/// # let mut events = mosquito.events();
/// # tokio::spawn(async move {
/// #     while let Some(event) = events.next().await {
/// #         if matches!(event, mosquito::events::Event::Finished { .. }) { handle.stop() }
/// #     }
/// # });
/// let report = runner.run().await?; // until SIGTERM or SIGINT
/// assert_eq!(report.performed, 1);
/// # Ok(()) }
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct RunnerBuilder {
    enqueuer: Enqueuer,
    name: Option<String>,
    states: States,
    expected: Vec<(&'static str, &'static str)>,
    queues: Option<Vec<String>>,
    adapter: Box<dyn DequeueAdapter>,
    gates: Vec<(Vec<String>, Box<dyn Gate>)>,
    settings: Settings,
    signals: bool,
}

impl RunnerBuilder {
    pub(super) fn new(enqueuer: Enqueuer) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let settings = Settings {
            name: None,
            executors: 10 * cores,
            heartbeat: Duration::from_secs(5),
            dead_after: Duration::from_secs(20),
            reap_every: Duration::from_secs(5),
            max_crashes: 3,
            grace: Duration::from_secs(25),
            stuck_after: Duration::from_secs(30),
            middleware: Layers::default(),
            chance: fastrand::f64,
        };
        let (states, expected, adapter) = (States::default(), Vec::new(), Box::new(Shuffle));
        let gates = Vec::new();
        Self { enqueuer, name: None, states, expected, queues: None, adapter, gates, settings, signals: true }
    }

    /// The name by which operators address this process, as in [`Configuration::overseer`](crate::Configuration::overseer): such as
    /// `mail-1`, the same after each start. Several may share it; without, only what is for all concerns it. Who is alive is told by
    /// other means.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Gives jobs that declare `state(T)` their `T`. One of each type; a second one takes its place.
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.states.insert(state);
        self
    }

    /// How many runs are performed at the same time: 10 for each core by default, at least 1. The environment variable
    /// `MOSQUITO_EXECUTOR_COUNT` overrides this, if it is set to anything, and so whoever operates a process can tell it otherwise; a value that is no
    /// number from 1 on fails [`build`](Self::build). What is [configured](crate::Configuration) in the store overrides both.
    pub fn executors(mut self, executors: usize) -> Self {
        self.settings.executors = executors;
        self
    }

    /// Works on these queues only. By default a runner works on the queues that its jobs declare, and on
    /// all others that are in the store. A queue is worked on with all its [partitions](crate::guide::partitions); `events~3` is one of them alone.
    pub fn queues<N: Into<String>>(mut self, queues: impl IntoIterator<Item = N>) -> Self {
        self.queues = Some(queues.into_iter().map(Into::into).collect());
        self
    }

    /// Which queue to dequeue from: [`Shuffle`] by default.
    pub fn dequeue(mut self, adapter: impl DequeueAdapter) -> Self {
        self.adapter = Box::new(adapter);
        self
    }

    /// Holds queues back while a gate is closed; see [`Gate`]. A queue behind several of them is worked on while all are open.
    pub fn gate<N: Into<String>>(mut self, queues: impl IntoIterator<Item = N>, gate: impl Gate) -> Self {
        self.gates.push((queues.into_iter().map(Into::into).collect(), Box::new(gate)));
        self
    }

    /// Puts application code around every attempt, within what was added before; see [`Middleware`].
    pub fn middleware(mut self, middleware: impl Middleware) -> Self {
        self.settings.middleware.add(middleware);
        self
    }

    /// How long a stop waits for runs that are being performed, and for the store to answer what became of them: 25 s by
    /// default. In the end of it their tokens
    /// fire, and what is still not finished is handed back; [`run`](Runner::run) answers within the grace and a second.
    ///
    /// A job that holds its thread, and heeds no token, goes on until the process ends, though its run is handed back:
    /// end the process soon after `run` has answered.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// How often this process says that it is alive: 5 s by default. Much shorter than `dead_after`.
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.settings.heartbeat = every;
        self
    }

    /// After how long a silence this process takes another one for dead, and its runs back: 20 s by default.
    /// The same in all processes that share a store, and longer than any pause they may make.
    pub fn dead_after(mut self, silence: Duration) -> Self {
        self.settings.dead_after = silence;
        self
    }

    /// How often this process looks for dead ones: 5 s by default.
    pub fn reap_every(mut self, every: Duration) -> Self {
        self.settings.reap_every = every;
        self
    }

    /// How many processes may die with a run before it is banished as poisoned: 3 by default, at least 1.
    ///
    /// Nobody knows which of its runs a process died of, so the crash counts for each. Those that one more crash would banish are
    /// performed one at a time in each process, the others wait about 3 s: so a poisonous run does not take its neighbours along. With
    /// a limit of 1 it does.
    pub fn max_crashes(mut self, crashes: u32) -> Self {
        self.settings.max_crashes = crashes;
        self
    }

    /// How long after its [token](crate::Context::token) has fired an attempt that goes on is reported, once, as
    /// [stuck](crate::events::Event::Stuck): 30 s by default. Nothing else is done about it.
    pub fn stuck_after(mut self, time: Duration) -> Self {
        self.settings.stuck_after = time;
        self
    }

    /// Whether SIGTERM and SIGINT stop the runner, as they do by default. Without, it stops by its [handle](Runner::handle).
    pub fn signals(mut self, signals: bool) -> Self {
        self.signals = signals;
        self
    }

    /// Fails `build` unless the job is registered. To name it here also makes the linker keep its crate.
    pub fn expect<J: Job>(mut self) -> Self {
        self.expected.push((J::SPEC.name, std::any::type_name::<J>()));
        self
    }

    /// All of a test's middleware.
    #[cfg(feature = "testing")]
    pub(crate) fn layers(mut self, middleware: Layers) -> Self {
        self.settings.middleware = middleware;
        self
    }

    /// A runner that does nothing by itself. It has the states that it has: a job may need one that its test does not.
    #[cfg(feature = "testing")]
    pub(crate) fn by_hand(self, states: States) -> Result<ByHand> {
        let (registry, problems) = Registry::collect();
        if !problems.is_empty() {
            return Err(BuildError::new(problems).into());
        }
        // In the middle of the jitter: a policy's waits are what its formula says.
        let settings = Settings { chance: || 0.5, ..self.settings };
        Ok(ByHand::new(Desk::new(self.enqueuer, registry, states, settings)))
    }

    /// Checks everything, without touching the store.
    ///
    /// # Errors
    ///
    /// [`Error::Build`](crate::Error::Build) with all that is wrong: states that jobs need and nobody gave, two jobs of one name, no
    /// job registered at all, an expected one missing, names of queues that cannot be, settings that contradict each other.
    pub fn build(mut self) -> Result<Runner> {
        let mut problems = Vec::new();
        match executor_count::of_environment() {
            Some(Ok(executors)) => self.settings.executors = executors,
            Some(Err(problem)) => problems.push(problem),
            None => (),
        }
        match self.name.as_deref().map(OverseerName::new).transpose() {
            Ok(name) => self.settings.name = name,
            Err(why) => problems.push(why.to_string()),
        }
        problems.extend(self.settings_problems());
        let mut queues = BTreeSet::new();
        for name in self.queues.iter().flatten() {
            match QueueName::new(name) {
                Ok(queue) => drop(queues.insert(queue)),
                Err(why) => problems.push(why.to_string()),
            }
        }
        if self.queues.as_ref().is_some_and(Vec::is_empty) {
            problems
                .push("`queues` was given an empty list: name at least one, or leave it out for all".into());
        }
        let gates = self.gates(&queues, &mut problems);
        let (registry, wrong_jobs) = Registry::collect();
        problems.extend(wrong_jobs);
        let worked_on = |job: &&Registration| {
            self.queues.is_none() || queues.iter().any(|queue| queue.whole_str() == job.spec.queue)
        };
        problems.extend(self.missing_states(registry.jobs().iter().copied().filter(worked_on)));
        problems.extend(self.missing_jobs(&registry));
        if !problems.is_empty() {
            return Err(BuildError::new(problems).into());
        }
        let queue_list = match self.queues {
            Some(_) => QueueList::fixed(queues),
            None => QueueList::growing(registry.jobs().iter().map(|job| {
                QueueName::new(job.spec.queue).expect("the registry was checked when it was collected")
            })),
        };
        let desk = Arc::new(Desk::new(self.enqueuer, registry, self.states, self.settings));
        let overseer = Overseer::new(desk.clone(), queue_list.behind(gates), self.adapter);
        Ok(Runner { desk, overseer, signals: self.signals })
    }

    /// The gates, and what is wrong with the queues that they are before.
    fn gates(&mut self, worked_on: &BTreeSet<QueueName>, problems: &mut Vec<String>) -> Gates {
        let mut gates = Gates::default();
        for (names, gate) in std::mem::take(&mut self.gates) {
            let mut queues = BTreeSet::new();
            if names.is_empty() {
                problems.push(format!("the gate `{}` is before no queue: name at least one", gate.name()));
            }
            for name in names {
                match QueueName::new(&name) {
                    Ok(queue)
                        if self.queues.is_none()
                            || worked_on.contains(&queue)
                            || worked_on.contains(queue.whole_str()) =>
                    {
                        queues.insert(queue);
                    }
                    Ok(_) => problems.push(format!(
                        "there is a gate before the queue `{name}`, which this runner does not work on: name it in `queues`"
                    )),
                    Err(why) => problems.push(why.to_string()),
                }
            }
            gates.add(queues, gate);
        }
        gates
    }

    fn settings_problems(&self) -> Vec<String> {
        let Settings { executors, heartbeat, dead_after, reap_every, max_crashes, .. } = &self.settings;
        let mut problems = Vec::new();
        let mut check = |good: bool, problem: &dyn Fn() -> String| {
            if !good {
                problems.push(problem());
            }
        };
        check(*executors > 0, &|| "`executors` is 0: at least one is needed to perform anything".into());
        check(*max_crashes > 0, &|| "`max_crashes` is 0: a run that never crashed cannot be poisoned".into());
        check(!heartbeat.is_zero(), &|| "`heartbeat` is zero: it needs a pause, such as 5 s".into());
        check(!reap_every.is_zero(), &|| "`reap_every` is zero: it needs a pause, such as 5 s".into());
        check(*dead_after >= heartbeat.saturating_mul(2), &|| {
            format!(
                "`dead_after` ({dead_after:?}) is less than two heartbeats ({heartbeat:?} each): one late beat would count as a death"
            )
        });
        problems
    }

    fn missing_states<'a>(&self, jobs: impl Iterator<Item = &'a Registration>) -> Vec<String> {
        let mut missing: std::collections::BTreeMap<&str, Vec<&str>> = std::collections::BTreeMap::new();
        for job in jobs {
            for state in job.missing_states(&self.states) {
                missing.entry(state.name).or_default().push((job.type_name)());
            }
        }
        let tell = |(state, jobs): (&str, Vec<&str>)| {
            format!(
                "nobody provides the state `{state}`, which {} needs: add `.state(..)` to the runner",
                jobs.join(", ")
            )
        };
        missing.into_iter().map(tell).collect()
    }

    fn missing_jobs(&self, registry: &Registry) -> Vec<String> {
        let known: BTreeSet<_> = registry.jobs().iter().map(|job| job.spec.name).collect();
        let missing = self.expected.iter().filter(|(name, _)| !known.contains(name));
        missing
            .map(|(name, type_name)| {
                format!("the expected job `{name}` is not registered: is `{type_name}` marked with #[job]?")
            })
            .collect()
    }
}

impl fmt::Debug for RunnerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnerBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
