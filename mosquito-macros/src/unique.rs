//! How a job is unique: `unique(by = [user_id], until = "finish", on_conflict = "return")`.

use std::time::Duration;

use proc_macro2::Ident;
use syn::LitStr;

use crate::duration;
use crate::entry::{Entry, Value};
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};
use crate::parts::Parts;
use crate::words::choice;

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

/// How a job is unique, with nothing wrong.
pub(crate) struct Uniqueness {
    /// By all of its fields, where there are none.
    pub(crate) by: Vec<FieldName>,
    pub(crate) until: Until,
    pub(crate) on_conflict: OnConflict,
}

#[derive(Clone, Copy)]
pub(crate) enum Until {
    Start,
    Finish,
    StartThenWhileRunning,
    For(Duration),
}

#[derive(Clone, Copy)]
pub(crate) enum OnConflict {
    Return,
    Replace,
    Reject,
    KeepLatest,
}

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
    pub(crate) fn validate(
        self,
        job: &Ident,
        fields: Option<&Fields>,
        is_periodic: bool,
        mistakes: &mut Mistakes,
    ) -> Option<Uniqueness> {
        let Self { by, until, lasting, on_conflict } = self;
        if let Some(fields) = fields {
            fields.check(job, &by, mistakes);
        }
        let moments = [
            ("finish", Until::Finish),
            ("start", Until::Start),
            ("start_then_while_running", Until::StartThenWhileRunning),
        ];
        let moment = choice("until", until.as_ref(), moments, mistakes);
        let until = match &lasting {
            Some(lasting) => Until::For(duration::of(lasting, mistakes)?),
            None => moment,
        };
        let answers = [
            ("return", OnConflict::Return),
            ("replace", OnConflict::Replace),
            ("reject", OnConflict::Reject),
            ("keep_latest", OnConflict::KeepLatest),
        ];
        let chosen = choice("on_conflict", on_conflict.as_ref(), answers, mistakes);
        if let (true, OnConflict::Replace) = (is_periodic, chosen) {
            mistakes.at(
                on_conflict,
                "the run of a tick cannot be replaced; ticks have a rule of their own: `overlap`, as in `overlap = \"skip\"`",
            );
        }
        Some(Uniqueness { by, until, on_conflict: chosen })
    }
}
