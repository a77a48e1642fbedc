//! What a job type is to a runner: everything but the type itself.

use std::any::TypeId;
use std::sync::Arc;

use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::job::performance::{Async, Blocking, Decode, decode};
use crate::job::{
    Core, DefaultArgs, Job, JobError, JobSpec, Perform, PerformBlocking, Performance, Schedule, States,
    Undecodable, Upgrade, partitions,
};
use crate::job_run::Envelope;
use crate::name::{JobName, QueueName};

/// One job type, without its type.
#[derive(Debug)]
pub struct Registration {
    pub(crate) spec: &'static JobSpec,
    pub(crate) type_name: fn() -> &'static str,
    states: fn() -> Vec<StateNeed>,
    decode: Decode,
    upgrade: Option<Upgrading>,
    tick: fn() -> Result<(Box<RawValue>, Flow)>,
    #[cfg(feature = "testing")]
    pub(super) payloads: crate::job::payload::Payloads,
}

inventory::collect!(Registration);

/// Makes the arguments of today from those of an earlier version.
type Upgrading = fn(u32, &RawValue) -> Result<Box<RawValue>, JobError>;

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

/// A periodic job that says by `#[job(args = ..)]` what its arguments are at each tick.
pub trait TickArgs: Sized {
    /// The job to perform at the next tick.
    fn tick_args() -> Self;
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
        Self {
            spec,
            type_name,
            states: Vec::new,
            decode,
            upgrade: None,
            tick: tick_of_nothing::<J>,
            #[cfg(feature = "testing")]
            payloads: crate::job::payload::Payloads::of::<J>(),
        }
    }

    /// With the states that the job declares.
    #[must_use]
    pub const fn needing(mut self, states: fn() -> Vec<StateNeed>) -> Self {
        self.states = states;
        self
    }

    /// With the way from earlier versions of the arguments.
    #[must_use]
    pub const fn upgrading<J: Upgrade>(mut self) -> Self {
        self.upgrade = Some(|from, args| {
            let args = serde_json::from_str(args.get())?;
            Ok(to_raw_value(&J::upgrade(from, args)?)?)
        });
        self
    }

    /// With the arguments of a periodic job's runs: those of its default value.
    #[must_use]
    pub const fn ticking<J: DefaultArgs>(mut self) -> Self {
        self.tick = || tick_of(&J::default_args());
        self
    }

    /// With the arguments of a periodic job's runs: those that its attribute says.
    #[must_use]
    pub const fn ticking_with<J: Job + TickArgs>(mut self) -> Self {
        self.tick = || tick_of(&J::tick_args());
        self
    }

    /// The states that it needs and a runner does not have.
    pub(crate) fn missing_states(&self, states: &States) -> impl Iterator<Item = StateNeed> {
        (self.states)().into_iter().filter(|state| !states.has(state.id))
    }

    /// What a periodic job's run is at a tick: its arguments, and how it flows.
    pub(crate) fn tick(&self) -> Result<(Box<RawValue>, Flow)> {
        (self.tick)()
    }

    /// Whether this process knows the version of a run's arguments.
    pub(crate) fn knows_version(&self, envelope: &Envelope) -> bool {
        envelope.version <= self.spec.version
    }

    /// A run's arguments as they are written today.
    pub(crate) fn upgraded(&self, envelope: Envelope) -> Result<Envelope, JobError> {
        match self.upgrade {
            Some(upgrade) if envelope.version < self.spec.version => {
                let args = upgrade(envelope.version, &envelope.args)?;
                Ok(Envelope { args, version: self.spec.version, ..envelope })
            }
            _ => Ok(envelope),
        }
    }

    /// Decodes a run's arguments, ready to be performed.
    pub(crate) fn decode(&self, core: &Arc<Core>) -> Result<Box<dyn Performance>, Undecodable> {
        (self.decode)(&core.run.envelope.args, core)
    }

    /// Why arguments did not decode, in words that keep a redacted one secret.
    pub(crate) fn undecodable(&self, undecodable: &Undecodable) -> String {
        let Undecodable { field, path, why } = undecodable;
        let name = self.spec.name;
        let place = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
        // Serde quotes what it found, which may be any of the arguments when no field is to blame.
        let is_secret = match (field, self.spec.redacted) {
            (_, []) => false,
            (None, _) => !why.starts_with("missing field"),
            (Some(field), redacted) => redacted.iter().any(|secret| *secret == "." || secret == field),
        };
        if is_secret {
            format!(
                "the arguments do not decode as job `{name}`{place}; why is not told, since it is redacted"
            )
        } else {
            format!("the arguments do not decode as job `{name}`{place}: {why}")
        }
    }

    /// The arguments as they may be shown: without what is redacted.
    #[cfg(feature = "testing")]
    pub(crate) fn shown(&self, args: &RawValue) -> String {
        const REDACTED: &str = "[redacted]";
        let redacted = self.spec.redacted;
        if redacted.is_empty() {
            return args.get().to_owned();
        }
        let places: Vec<usize> = redacted.iter().filter_map(|secret| secret.parse().ok()).collect();
        let mut value = serde_json::from_str(args.get()).unwrap_or_default();
        match &mut value {
            serde_json::Value::Object(fields)
                if places.len() < redacted.len() && !redacted.contains(&".") =>
            {
                let secrets = fields.iter_mut().filter(|(name, _)| redacted.contains(&name.as_str()));
                secrets.for_each(|(_, secret)| *secret = REDACTED.into());
            }
            serde_json::Value::Array(items) if !places.is_empty() => {
                let secrets = items.iter_mut().enumerate().filter(|(place, _)| places.contains(place));
                secrets.for_each(|(_, secret)| *secret = REDACTED.into());
            }
            // Any part of what has another shape than the job may be what is redacted.
            other => *other = REDACTED.into(),
        }
        value.to_string()
    }

    /// What the macro would have refused, in a job made without it.
    pub(crate) fn problems(&self) -> Vec<String> {
        let JobSpec { name, aliases, queue, version, retry, timeout, deadline, schedule, flow, .. } =
            self.spec;
        let names = [name].into_iter().chain(*aliases);
        let mut problems: Vec<String> =
            names.filter_map(|name| JobName::new(*name).err()).map(|why| why.to_string()).collect();
        problems.extend(QueueName::new(*queue).err().map(|why| why.to_string()));
        problems.extend(schedule.as_ref().and_then(|schedule| Schedule::read(schedule).err()));
        problems.extend(retry.problem());
        problems.extend(flow.problems());
        problems.extend(partitions::problem(self));
        let mut check = |wrong: bool, problem: &str| problems.extend(wrong.then(|| problem.to_owned()));
        check(timeout.is_some_and(|limit| limit.is_zero()), "its timeout is zero: no attempt could succeed");
        check(
            deadline.is_some_and(|limit| limit.is_zero()),
            "its deadline is zero: no attempt could succeed",
        );
        check(
            timeout.zip(*deadline).is_some_and(|(timeout, deadline)| deadline < timeout),
            "its deadline, for all attempts, is shorter than its timeout, for each",
        );
        check(*version == 0, "its version is 0: versions count from 1");
        check(
            *version > 1 && self.upgrade.is_none(),
            "it has a later version than 1, but its registration has no `upgrading`",
        );
        problems.iter().map(|why| format!("the job `{}`: {why}", (self.type_name)())).collect()
    }
}

fn tick_of<J: Job>(job: &J) -> Result<(Box<RawValue>, Flow)> {
    let args = to_raw_value(job)
        .map_err(|why| Error::Unserializable { job: J::SPEC.name.into(), source: why.into() })?;
    Ok((args, job.flow()?))
}

/// That of a job whose registration does not say what its arguments are: it has none.
fn tick_of_nothing<J: Job>() -> Result<(Box<RawValue>, Flow)> {
    let flow = match serde_json::from_str::<J>("null") {
        Ok(job) => job.flow()?,
        // It needs some. The run goes to `dead`, and tells so.
        Err(_) => Flow::default(),
    };
    Ok((RawValue::NULL.to_owned(), flow))
}
