//! Whose turn it is: `fair(by = [tenant], weight = 2)`.

use proc_macro2::Ident;

use crate::entry::Entry;
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};
use crate::limits::require;
use crate::parts::Parts;
use crate::weight::Weight;

pub(crate) struct Fair {
    pub(crate) by: Vec<FieldName>,
    pub(crate) weight: Option<Weight>,
}

impl Fair {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let list = mistakes.take(entry.list(example))?;
        let parts = Parts::parse("fair", &["by", "weight"], "by = [tenant]", list, mistakes);
        require(entry, &["by"], example, &parts, mistakes);
        Some(Self {
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
            weight: parts.read("weight", Weight::parse, mistakes),
        })
    }

    /// Checks its parts with the job.
    pub(crate) fn check(&self, job: &Ident, fields: Option<&Fields>, mistakes: &mut Mistakes) {
        if let Some(fields) = fields {
            fields.check(job, &self.by, mistakes);
        }
        if let Some(weight) = &self.weight {
            weight.check(job, fields, mistakes);
        }
    }
}
