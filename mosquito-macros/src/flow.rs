//! What goes before the runs of a job, and what holds them up.

use std::time::Duration;

use crate::args::Args;
use crate::duration;
use crate::errors::Mistakes;
use crate::fair::Fair;
use crate::input::Input;
use crate::limits::{AtOnce, Rate};
use crate::unique::Uniqueness;

/// What was given, as far as there is nothing wrong with it.
pub(crate) struct Flow {
    pub(crate) priority: Option<u32>,
    pub(crate) unique: Option<Uniqueness>,
    pub(crate) rate: Option<Rate>,
    pub(crate) at_once: Option<AtOnce>,
    pub(crate) fair: Option<Fair>,
    pub(crate) expires: Option<Duration>,
}

impl Flow {
    /// Takes what was given, and checks it with the job.
    pub(crate) fn validate(args: &mut Args, input: &Input, mistakes: &mut Mistakes) -> Self {
        let (job, fields, is_periodic) = (&input.ident, input.fields.as_ref(), args.is_periodic());
        let unique = args.unique.take();
        let fair = args.fair.take();
        if let Some(fair) = &fair {
            fair.check(job, fields, mistakes);
        }
        Self {
            priority: args.priority,
            unique: unique.and_then(|unique| unique.validate(job, fields, is_periodic, mistakes)),
            rate: args.rate_limit.take().and_then(|limit| limit.validate(job, fields, mistakes)),
            at_once: args.concurrency.take().and_then(|limit| limit.validate(job, fields, mistakes)),
            fair,
            expires: args.expires.as_ref().and_then(|text| duration::of(text, mistakes)),
        }
    }
}
