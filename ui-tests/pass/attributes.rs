//! What stands on the struct and on its fields stays there: docs, `cfg`, derives in any order, serde's
//! attributes, lints, visibility.

#![deny(warnings, missing_docs)]

use mosquito::{Context, Job, JobResult, Perform, job};

/// Derives above the attribute and below it.
#[derive(Clone, Debug)]
#[job(every = "1h")]
#[derive(PartialEq, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attributed {
    /// Documented.
    #[serde(default, alias = "user")]
    pub user_id: u64,
    #[serde(skip)]
    pub(crate) cached: Option<u8>,
    #[cfg(any())]
    gone: NoSuchType,
}

impl Perform for Attributed {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

/// Gone, with all that was written for it.
#[job(state(NoSuchState))]
#[cfg(any())]
pub struct Gone;

/// Gone too.
#[cfg(any())]
#[job]
pub struct GoneFirst;

/// Still performed, no longer to be enqueued.
#[job]
#[deprecated]
pub struct Old;

#[expect(deprecated)]
impl Perform for Old {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job]
#[expect(non_camel_case_types)]
struct oddly_named;

impl Perform for oddly_named {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {
    let job = Attributed { user_id: 7, cached: Some(1) };
    assert_eq!(job.clone(), job);
    assert_eq!(format!("{job:?}"), "Attributed { user_id: 7, cached: Some(1) }");
    assert_eq!(oddly_named::SPEC.name, "oddly_named");
}
