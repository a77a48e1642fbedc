//! How a job is unique: `unique(by = [user_id], until = "finish", on_conflict = "return")`.

use proc_macro2::Ident;
use syn::LitStr;

use crate::duration;
use crate::entry::{Entry, Value};
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};
use crate::parts::Parts;
use crate::words::one_of;

/// The parts that were given: of `unique` alone none, which is by all fields, until it finishes, answered
/// by the run that is there.
#[derive(Default)]
pub(crate) struct Unique {
    by: Vec<FieldName>,
    until: Option<LitStr>,
    lasting: Option<LitStr>,
    on_conflict: Option<LitStr>,
}

const PARTS: [&str; 4] = ["by", "until", "for", "on_conflict"];

const UNTIL: [&str; 3] = ["start", "finish", "start_then_while_running"];

const ON_CONFLICT: [&str; 4] = ["return", "replace", "reject", "keep_latest"];

impl Unique {
    /// Reads `unique` or `unique(..)`.
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        if matches!(entry.value, Value::Nothing) {
            return Some(Self::default());
        }
        let parts =
            Parts::parse("unique", &PARTS, "by = [user_id]", mistakes.take(entry.list(example))?, mistakes);
        if let (Some(lasting), true) = (parts.get("for"), parts.has("until")) {
            mistakes.at(
                &lasting.key,
                "`for` and `until` both say when it is over; keep `for` for a fixed time, or `until` for a moment in the run's life",
            );
        }
        Some(Self {
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
            until: parts.read("until", |until| until.text(r#"until = "finish""#), mistakes),
            lasting: parts.read("for", |lasting| lasting.duration(r#"for = "1h""#), mistakes),
            on_conflict: parts.read("on_conflict", |then| then.text(r#"on_conflict = "return""#), mistakes),
        })
    }

    /// Checks each part by itself and with the job.
    pub(crate) fn check(
        &self,
        job: &Ident,
        fields: Option<&Fields>,
        is_periodic: bool,
        mistakes: &mut Mistakes,
    ) {
        if let Some(fields) = fields {
            fields.check(job, &self.by, mistakes);
        }
        if let Some(until) = &self.until {
            one_of("until", until, &UNTIL, mistakes);
        }
        if let Some(lasting) = &self.lasting {
            duration::of(lasting, mistakes);
        }
        let Some(on_conflict) = &self.on_conflict else { return };
        let chosen = one_of("on_conflict", on_conflict, &ON_CONFLICT, mistakes);
        if is_periodic && chosen.is_some_and(|chosen| ON_CONFLICT[chosen] == "replace") {
            mistakes.at(
                on_conflict,
                "the run of a tick cannot be replaced; ticks have a rule of their own: `overlap`, as in `overlap = \"skip\"`",
            );
        }
    }
}
