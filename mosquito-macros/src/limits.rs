//! How many runs of a job may start in a time, and how many may be performed at once.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::LitStr;

use crate::entry::{Entry, Value};
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};
use crate::parts::Parts;
use crate::{duration, names};

/// `rate_limit(limit = 100, per = "1s", by = [tenant], key = "stripe", weight = 1)`
pub(crate) struct RateLimit {
    limit: Option<u32>,
    per: Option<LitStr>,
    by: Vec<FieldName>,
    key: Option<LitStr>,
    weight: Option<Weight>,
}

/// How much of the limit one run uses up.
enum Weight {
    Always(u32, TokenStream),
    Field(FieldName),
}

impl RateLimit {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let list = mistakes.take(entry.list(example))?;
        let known = ["limit", "per", "by", "key", "weight"];
        let parts = Parts::parse("rate_limit", &known, "limit = 100", list, mistakes);
        require(entry, &["limit", "per"], example, &parts, mistakes);
        Some(Self {
            limit: parts.read("limit", |limit| self::limit(limit, "limit = 100"), mistakes),
            per: parts.read("per", |per| per.duration(r#"per = "1s""#), mistakes),
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
            key: parts.read("key", |key| key.text(r#"key = "stripe""#), mistakes),
            weight: parts.read("weight", Weight::parse, mistakes),
        })
    }

    /// Checks each part by itself and with the others and the job.
    pub(crate) fn check(&self, job: &Ident, fields: Option<&Fields>, mistakes: &mut Mistakes) {
        if let Some(per) = &self.per {
            duration::of(per, mistakes);
        }
        if let Some(key) = &self.key {
            names::check_text("rate limit key", key, mistakes);
        }
        if let Some(fields) = fields {
            fields.check(job, &self.by, mistakes);
        }
        match (&self.weight, self.limit, fields) {
            (Some(Weight::Always(weight, written)), Some(limit), _) if *weight > limit => mistakes.at(
                written,
                format!("a run that weighs {weight} would never start under a limit of {limit}"),
            ),
            (Some(Weight::Field(name)), _, Some(fields)) => {
                fields.check(job, std::slice::from_ref(name), mistakes);
            }
            _ => {}
        }
    }
}

impl Weight {
    fn parse(entry: &Entry) -> syn::Result<Self> {
        if entry.is_zero() {
            return Err(entry.wrong("a run that weighs 0 would not be limited; a weight is 1 or more".into()));
        }
        let Value::Is(written) = &entry.value else {
            return Err(Self::wrong(entry));
        };
        if entry.literal().is_some() {
            let weight = entry.number(1..=u32::MAX, "weight = 1").map_err(|_| Self::wrong(entry))?;
            return Ok(Self::Always(weight, written.to_token_stream()));
        }
        FieldName::parse(written).map(Self::Field).ok_or_else(|| Self::wrong(entry))
    }

    fn wrong(entry: &Entry) -> syn::Error {
        entry.wrong(
            "`weight` is a whole number from 1, or the name of a field that is one, as in `weight = pages`"
                .into(),
        )
    }
}

/// `concurrency(limit = 3, by = [tenant])`
pub(crate) struct Concurrency {
    by: Vec<FieldName>,
}

impl Concurrency {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let list = mistakes.take(entry.list(example))?;
        let parts = Parts::parse("concurrency", &["limit", "by"], "limit = 3", list, mistakes);
        require(entry, &["limit"], example, &parts, mistakes);
        parts.read("limit", |limit| self::limit(limit, "limit = 3"), mistakes);
        Some(Self { by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)) })
    }

    /// Checks its parts with the job.
    pub(crate) fn check(&self, job: &Ident, fields: Option<&Fields>, mistakes: &mut Mistakes) {
        if let Some(fields) = fields {
            fields.check(job, &self.by, mistakes);
        }
    }
}

fn limit(entry: &Entry, example: &str) -> syn::Result<u32> {
    if entry.is_zero() {
        return Err(entry.wrong("a limit of 0 would let no run start; to stop a queue, pause it".into()));
    }
    entry.number(1..=u32::MAX, example)
}

/// Complains about parts that are missing.
fn require(entry: &Entry, needed: &[&str], example: &str, parts: &Parts, mistakes: &mut Mistakes) {
    let missing: Vec<_> = needed.iter().copied().filter(|part| !parts.has(part)).collect();
    if !missing.is_empty() {
        let missing = crate::suggest::listed(&missing);
        mistakes.at(&entry.key, format!("`{}` needs {missing}, as in `{example}`", entry.key));
    }
}
