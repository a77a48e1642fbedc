//! The jobs of today.

use std::collections::HashMap;

use mosquito::chrono::{DateTime, Utc};
use mosquito::serde_json::{Value, from_value};
use mosquito::{Context, Job, JobError, JobResult, Perform, Upgrade, job};
use serde::{Deserialize, Serialize};

macro_rules! perform {
    ($($job:ident),* $(,)?) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

perform!(Order, Moved, Upgraded, Discarding, Sweep, Report);

/// What most of the changes are made to.
#[job]
pub(crate) struct Order {
    pub(crate) id: u32,
    pub(crate) signed: u64,
    pub(crate) ratio: f64,
    #[serde(alias = "to")]
    pub(crate) recipient: String,
    pub(crate) count: i64,
    pub(crate) place: Place,
    pub(crate) lines: Vec<Line>,
    pub(crate) at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) note: String,
    #[serde(default)]
    pub(crate) labels: HashMap<String, u8>,
}

#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Place {
    Shop,
    Home { street: String },
    Locker(u16),
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "kind")]
pub(crate) enum Line {
    Item { sku: String, amount: u8 },
    Discount { percent: u8, code: Option<String> },
}

#[job(aliases("moved_before"))]
pub(crate) struct Moved {
    pub(crate) id: u64,
}

/// Had a `name` in its first version; the second is not understood any more.
#[job(version = 3)]
pub(crate) struct Upgraded {
    pub(crate) first: String,
    pub(crate) last: String,
}

impl Upgrade for Upgraded {
    fn upgrade(from: u32, mut args: Value) -> Result<Self, JobError> {
        if from == 2 {
            return Err(JobError::dead("nobody knows what it meant"));
        }
        let name: String = from_value(args["name"].take())?;
        let (first, last) = name.split_once(' ').ok_or("the name has no space")?;
        Ok(Self { first: first.into(), last: last.into() })
    }
}

#[job(version = 2)]
pub(crate) struct Discarding {
    pub(crate) id: u64,
}

impl Upgrade for Discarding {
    fn upgrade(_: u32, _: Value) -> Result<Self, JobError> {
        Err(JobError::discard("it was a mistake"))
    }
}

#[job(every = "1m")]
pub(crate) struct Sweep;

#[job]
pub(crate) struct Report(pub(crate) u64, pub(crate) Option<String>);

pub(crate) const NAMES: [&str; 6] = [
    Discarding::SPEC.name,
    Moved::SPEC.name,
    Order::SPEC.name,
    Report::SPEC.name,
    Sweep::SPEC.name,
    Upgraded::SPEC.name,
];
