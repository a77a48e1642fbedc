//! Runs to measure with: sixty bytes of arguments, and nothing to do.

use mosquito::{Body, Context, Job, JobName, JobResult, NewRun, Perform, RunId, When, job};
use serde_json::value::{RawValue, to_raw_value};

/// Nothing goes before it but what came first, and nothing holds it up.
#[job(queue = "plain")]
pub(crate) struct Plain {
    number: usize,
    text: String,
}

/// Unique, and under the limit of one of a hundred tenants.
#[job(queue = "flowing", unique(by = [number]), concurrency(limit = 100, by = [tenant]))]
pub(crate) struct Flowing {
    number: usize,
    tenant: usize,
    text: String,
}

impl Perform for Plain {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

impl Perform for Flowing {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// A job of which there are any number of runs.
pub(crate) trait Numbered: Job {
    fn number(number: usize) -> Self;

    /// A run as the client hands it to a store.
    fn run(number: usize) -> NewRun {
        let job = Self::number(1_000_000 + number);
        let flow = job.flow().expect("its keys are numbers");
        NewRun::new(RunId::random(), When::Now, &Body::new(&Self::job_name(), &args(&job))).flowing(flow)
    }

    fn job_name() -> JobName {
        JobName::new(Self::SPEC.name).expect("the attribute has looked at it")
    }
}

impl Numbered for Plain {
    fn number(number: usize) -> Self {
        Self { number, text: "sixty bytes of arguments are all".into() }
    }
}

impl Numbered for Flowing {
    fn number(number: usize) -> Self {
        Self { number, tenant: 1_000 + number % 100, text: "all are sixty".into() }
    }
}

pub(crate) fn args<J: Job>(job: &J) -> Box<RawValue> {
    to_raw_value(job).expect("numbers and text serialize")
}
