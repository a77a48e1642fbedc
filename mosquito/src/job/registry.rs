//! Finds a job type by the name that a run bears.
//!
//! `#[job]` submits one [`Registration`] per type to `inventory`; a runner collects them when it is built.
//! The linker drops a crate that nothing references, and its registrations with it: that is what
//! [`link!`](crate::link) and [`expect`](crate::RunnerBuilder::expect) are for.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::value::{RawValue, to_raw_value};

use crate::job::{
    Context, Core, Job, JobError, JobResult, JobSpec, Kind, Perform, PerformBlocking, Schedule, panic_message,
};
use crate::job_run::EnvelopeError;
use crate::name::{JobName, QueueName};

/// One job type, without its type.
#[derive(Debug)]
pub struct Registration {
    pub(crate) spec: &'static JobSpec,
    pub(crate) type_name: fn() -> &'static str,
    pub(crate) states: fn() -> Vec<StateNeed>,
    decode: Decode,
    tick_args: Option<fn() -> serde_json::Result<Box<RawValue>>>,
}

inventory::collect!(Registration);

type Decode = fn(&RawValue, &Arc<Core>) -> Result<Box<dyn Performance>, Undecodable>;

/// Why arguments did not decode, with the path to the field.
pub(crate) type Undecodable = serde_path_to_error::Error<serde_json::Error>;

/// A state that a job declares.
#[derive(Clone, Copy, Debug)]
pub struct StateNeed {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl StateNeed {
    /// The need for a `T`.
    #[must_use]
    pub fn of<T: 'static>() -> Self {
        Self { id: TypeId::of::<T>(), name: std::any::type_name::<T>() }
    }
}

impl Registration {
    /// The registration of a job that is performed by [`Perform`].
    #[must_use]
    pub const fn of<J: Perform>() -> Self {
        Self::new::<J>(decode::<J, Async<J>>)
    }

    /// The registration of a job that is performed by [`PerformBlocking`].
    #[must_use]
    pub const fn blocking<J: PerformBlocking>() -> Self {
        Self::new::<J>(decode::<J, Blocking<J>>)
    }

    const fn new<J: Job>(decode: Decode) -> Self {
        let (spec, type_name) = (const { &J::SPEC }, std::any::type_name::<J> as fn() -> &'static str);
        Self { spec, type_name, states: Vec::new, decode, tick_args: None }
    }

    /// With the states that the job declares.
    #[must_use]
    pub const fn needing(mut self, states: fn() -> Vec<StateNeed>) -> Self {
        self.states = states;
        self
    }

    /// With the arguments of a periodic job's runs: those of its default value.
    #[must_use]
    pub const fn ticking<J: Job + Default>(mut self) -> Self {
        self.tick_args = Some(|| to_raw_value(&J::default()));
        self
    }

    pub(crate) fn tick_args(&self) -> serde_json::Result<Box<RawValue>> {
        self.tick_args.map_or_else(|| Ok(RawValue::NULL.to_owned()), |args| args())
    }

    /// Decodes a run's arguments, ready to be performed.
    pub(crate) fn decode(&self, core: &Arc<Core>) -> Result<Box<dyn Performance>, Undecodable> {
        (self.decode)(&core.run.args, core)
    }
}

/// One run, decoded: each step is a future of its own, so that the executor can bound and guard it.
pub(crate) trait Performance: Send + Sync {
    fn before(&self) -> BoxFuture<'_, JobResult>;
    fn perform(&self) -> BoxFuture<'_, JobResult>;
    fn after<'a>(&'a self, result: &'a JobResult) -> BoxFuture<'a, ()>;
    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration>;
    /// Whether `perform` holds a thread, which a timeout cannot take away from it.
    fn holds_its_thread(&self) -> bool;
}

fn decode<J: Job, P: Performance + From<Decoded<J>> + 'static>(
    args: &RawValue,
    core: &Arc<Core>,
) -> Result<Box<dyn Performance>, Undecodable> {
    let mut json = serde_json::Deserializer::from_str(args.get());
    let job: J = serde_path_to_error::deserialize(&mut json)?;
    Ok(Box::new(P::from(Decoded { job, cx: Context::new(core.clone()) })))
}

struct Decoded<J> {
    job: J,
    cx: Context<J>,
}

struct Async<J>(Decoded<J>);

impl<J> From<Decoded<J>> for Async<J> {
    fn from(decoded: Decoded<J>) -> Self {
        Self(decoded)
    }
}

impl<J: Perform> Performance for Async<J> {
    fn before(&self) -> BoxFuture<'_, JobResult> {
        Box::pin(self.0.job.before(&self.0.cx))
    }

    fn perform(&self) -> BoxFuture<'_, JobResult> {
        Box::pin(self.0.job.perform(&self.0.cx))
    }

    fn after<'a>(&'a self, result: &'a JobResult) -> BoxFuture<'a, ()> {
        Box::pin(self.0.job.after(&self.0.cx, result))
    }

    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration> {
        self.0.job.retry_after(attempt, error)
    }

    fn holds_its_thread(&self) -> bool {
        false
    }
}

struct Blocking<J>(Arc<Decoded<J>>);

impl<J> From<Decoded<J>> for Blocking<J> {
    fn from(decoded: Decoded<J>) -> Self {
        Self(Arc::new(decoded))
    }
}

impl<J: PerformBlocking> Performance for Blocking<J> {
    fn before(&self) -> BoxFuture<'_, JobResult> {
        // Its own thread is started by `perform` alone, so a hook belongs there too.
        Box::pin(std::future::ready(Ok(())))
    }

    fn perform(&self) -> BoxFuture<'_, JobResult> {
        let decoded = self.0.clone();
        Box::pin(on_a_thread(move || {
            let Decoded { job, cx } = &*decoded;
            job.before(cx)?;
            let result = catch_unwind(AssertUnwindSafe(|| job.perform(cx)))
                .unwrap_or_else(|panic| Err(JobError(Kind::Panicked(panic_message(panic)))));
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job.after(cx, &result))) {
                let error = panic_message(panic);
                tracing::error!(target: "mosquito", error, "the after hook panicked; the outcome stands");
            }
            result
        }))
    }

    fn after<'a>(&'a self, _: &'a JobResult) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn retry_after(&self, attempt: u32, error: &JobError) -> Option<Duration> {
        self.0.job.retry_after(attempt, error)
    }

    fn holds_its_thread(&self) -> bool {
        true
    }
}

/// Calls a function on a thread that does not belong to the runtime: one that never returns cannot keep
/// the process from ending. There are as many such threads as there are executors at most.
async fn on_a_thread(work: impl FnOnce() -> JobResult + Send + 'static) -> JobResult {
    let (done, result) = tokio::sync::oneshot::channel();
    let span = tracing::Span::current();
    std::thread::Builder::new().name("mosquito-blocking".into()).spawn(move || {
        let _entered = span.enter();
        let caught = catch_unwind(AssertUnwindSafe(work));
        // Nobody listens when the executor has given up on the run.
        let _ = done.send(caught);
    })?;
    match result.await.map_err(|_| "the thread of a blocking job ended without an answer")? {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The jobs that a runner knows, by name and alias.
#[derive(Debug)]
pub(crate) struct Registry {
    by_name: HashMap<&'static str, &'static Registration>,
}

impl Registry {
    /// Collects what is linked into this process; or everything that is wrong with it.
    pub(crate) fn collect() -> Result<Self, Vec<String>> {
        Self::of(inventory::iter::<Registration>.into_iter())
    }

    fn of(all: impl Iterator<Item = &'static Registration>) -> Result<Self, Vec<String>> {
        let mut claims: BTreeMap<&str, Vec<&'static Registration>> = BTreeMap::new();
        let mut problems = Vec::new();
        for job in all {
            for name in [job.spec.name].iter().chain(job.spec.aliases) {
                claims.entry(name).or_default().push(job);
            }
            problems.extend(job.problems());
        }
        for (name, jobs) in claims.iter().filter(|(_, jobs)| jobs.len() > 1) {
            let types: Vec<_> = jobs.iter().map(|job| format!("`{}`", (job.type_name)())).collect();
            problems.push(format!(
                "the job name `{name}` is claimed by {}; give each its own: #[job(name = \"..\")]",
                types.join(" and ")
            ));
        }
        if claims.is_empty() {
            problems.push(NOTHING_REGISTERED.into());
        }
        problems.sort();
        let by_name = claims.into_iter().map(|(name, jobs)| (name, jobs[0])).collect();
        if problems.is_empty() { Ok(Self { by_name }) } else { Err(problems) }
    }

    pub(crate) fn find(&self, job: &JobName) -> Option<&'static Registration> {
        self.by_name.get(job.as_str()).copied()
    }

    /// Every job once, in the order of their names.
    pub(crate) fn jobs(&self) -> Vec<&'static Registration> {
        let mut jobs: Vec<_> =
            self.by_name.iter().filter(|(name, job)| **name == job.spec.name).map(|(_, job)| *job).collect();
        jobs.sort_by_key(|job| job.spec.name);
        jobs
    }
}

const NOTHING_REGISTERED: &str = "no job is registered in this process. The linker drops a crate that nothing \
    refers to, and its jobs with it: write `mosquito::link!(your_jobs_crate);` beside `main`, or `.expect::<YourJob>()` \
    on the runner";

impl Registration {
    /// What the macro would have refused, in a job made without it.
    fn problems(&self) -> Vec<String> {
        let spec = self.spec;
        let names = [spec.name].into_iter().chain(spec.aliases.iter().copied());
        let mut problems: Vec<String> =
            names.filter_map(|name| JobName::new(name).err()).map(|why| why.to_string()).collect();
        problems.extend(QueueName::new(spec.queue).err().map(|why| why.to_string()));
        problems.extend(spec.schedule.as_ref().and_then(|schedule| Schedule::read(schedule).err()));
        problems.iter().map(|why| format!("the job `{}`: {why}", (self.type_name)())).collect()
    }
}

impl EnvelopeError {
    /// Whether another process may be able to read it.
    pub(crate) fn is_newer(&self) -> bool {
        matches!(self, Self::Newer(_))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{Registration, Registry};
    use crate::job::{Context, Job, JobResult, JobSpec, Perform, Retry};

    macro_rules! job {
        ($type:ident, $name:literal, $aliases:expr, $queue:literal) => {
            #[derive(Serialize, Deserialize)]
            struct $type;

            impl Job for $type {
                const SPEC: JobSpec = JobSpec {
                    name: $name,
                    aliases: $aliases,
                    queue: $queue,
                    retry: Retry::DEFAULT,
                    timeout: None,
                    schedule: None,
                };
            }

            impl Perform for $type {
                async fn perform(&self, _: &Context<Self>) -> JobResult {
                    Ok(())
                }
            }
        };
    }

    job!(Mail, "mail", &["letter"], "default");
    job!(Letter, "letter", &[], "default");
    job!(Bad, "bad", &[], "no such {queue}");

    static MAIL: Registration = Registration::of::<Mail>();
    static LETTER: Registration = Registration::of::<Letter>();
    static BAD: Registration = Registration::of::<Bad>();

    #[test]
    fn a_job_is_found_by_its_name_and_by_the_names_it_had() {
        let registry = Registry::of([&MAIL].into_iter()).unwrap();

        let find = |name: &str| registry.find(&name.parse().unwrap()).map(|job| job.spec.name);

        assert_eq!([find("mail"), find("letter"), find("other")], [Some("mail"), Some("mail"), None]);
        assert_eq!(registry.jobs().len(), 1);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let problems = Registry::of([&MAIL, &LETTER, &BAD].into_iter()).unwrap_err();

        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].contains("`no such {queue}` cannot be a queue name"), "{problems:?}");
        assert!(problems[1].contains("`letter` is claimed by"), "{problems:?}");
        assert!(
            problems[1].contains("tests::Mail` and") && problems[1].contains("tests::Letter`"),
            "{problems:?}"
        );
    }

    #[test]
    fn an_empty_registry_names_the_cure() {
        let problems = Registry::of(std::iter::empty()).unwrap_err();

        assert!(problems[0].contains("mosquito::link!"), "{problems:?}");
    }
}
