//! How many runs of a job may start in a time, and how many may be performed at once.

use std::time::Duration;

use proc_macro2::Ident;
use syn::LitStr;

use crate::entry::Entry;
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};
use crate::parts::Parts;
use crate::weight::Weight;
use crate::words::choice;
use crate::{duration, names};

/// The largest rate limit.
pub(crate) const MOST: u32 = 1_000_000;

/// The longest time of a rate limit.
pub(crate) const LONGEST: Duration = Duration::from_secs(90 * 86_400);

/// `rate_limit(limit = 100, per = "1s", by = [tenant], key = "stripe", weight = 1, kind = "sliding")`
pub(crate) struct RateLimit {
    limit: Option<u32>,
    per: Option<LitStr>,
    by: Vec<FieldName>,
    key: Option<LitStr>,
    weight: Option<Weight>,
    kind: Option<LitStr>,
}

/// A rate limit with nothing wrong.
pub(crate) struct Rate {
    /// Its name, where that is not the job's.
    pub(crate) key: Option<String>,
    pub(crate) limit: u32,
    pub(crate) per: Duration,
    pub(crate) kind: Kind,
    pub(crate) by: Vec<FieldName>,
    pub(crate) weight: Option<Weight>,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Sliding,
    TokenBucket,
    Fixed,
}

impl RateLimit {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let list = mistakes.take(entry.list(example))?;
        let known = ["limit", "per", "by", "key", "weight", "kind"];
        let parts = Parts::parse("rate_limit", &known, "limit = 100", list, mistakes);
        require(entry, &["limit", "per"], example, &parts, mistakes);
        Some(Self {
            limit: parts.read("limit", |limit| self::limit(limit, MOST, "limit = 100"), mistakes),
            per: parts.read("per", |per| per.duration(r#"per = "1s""#), mistakes),
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
            key: parts.read("key", |key| key.text(r#"key = "stripe""#), mistakes),
            weight: parts.read("weight", Weight::parse, mistakes),
            kind: parts.read("kind", |kind| kind.text(r#"kind = "sliding""#), mistakes),
        })
    }

    /// Checks each part by itself and with the others and the job.
    pub(crate) fn validate(
        self,
        job: &Ident,
        fields: Option<&Fields>,
        mistakes: &mut Mistakes,
    ) -> Option<Rate> {
        let Self { limit, per, by, key, weight, kind } = self;
        let per = per.as_ref().and_then(|per| within_longest(per, mistakes));
        if let Some(fields) = fields {
            fields.check(job, &by, mistakes);
        }
        if let Some(weight) = &weight {
            weight.check(job, fields, mistakes);
        }
        if let (Some(Weight::Always(weight, at)), Some(limit)) = (&weight, limit)
            && *weight > limit
        {
            let why =
                format!("a run that weighs {weight} counts as {limit} under a limit of {limit}; write that");
            mistakes.push(syn::Error::new(*at, why));
        }
        let kinds = [("sliding", Kind::Sliding), ("token_bucket", Kind::TokenBucket), ("fixed", Kind::Fixed)];
        let kind = choice("kind", kind.as_ref(), kinds, mistakes);
        let key = limit_name(key.as_ref(), mistakes);
        Some(Rate { key, limit: limit?, per: per?, kind, by, weight })
    }
}

fn within_longest(per: &LitStr, mistakes: &mut Mistakes) -> Option<Duration> {
    let time = duration::of(per, mistakes)?;
    if time > LONGEST {
        let longest = duration::spell(LONGEST);
        mistakes.at(per, format!("the time of a rate limit is \"{longest}\" at most"));
        return None;
    }
    Some(time)
}

/// `concurrency(limit = 3, by = [tenant], key = "stripe")`
pub(crate) struct Concurrency {
    limit: Option<u32>,
    by: Vec<FieldName>,
    key: Option<LitStr>,
}

/// A concurrency limit with nothing wrong.
pub(crate) struct AtOnce {
    /// Its name, where that is not the job's.
    pub(crate) key: Option<String>,
    pub(crate) limit: u32,
    pub(crate) by: Vec<FieldName>,
}

impl Concurrency {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        let list = mistakes.take(entry.list(example))?;
        let parts = Parts::parse("concurrency", &["limit", "by", "key"], "limit = 3", list, mistakes);
        require(entry, &["limit"], example, &parts, mistakes);
        Some(Self {
            limit: parts.read("limit", |limit| self::limit(limit, u32::MAX, "limit = 3"), mistakes),
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
            key: parts.read("key", |key| key.text(r#"key = "stripe""#), mistakes),
        })
    }

    /// Checks its parts with the job.
    pub(crate) fn validate(
        self,
        job: &Ident,
        fields: Option<&Fields>,
        mistakes: &mut Mistakes,
    ) -> Option<AtOnce> {
        if let Some(fields) = fields {
            fields.check(job, &self.by, mistakes);
        }
        let key = limit_name(self.key.as_ref(), mistakes);
        Some(AtOnce { key, limit: self.limit?, by: self.by })
    }
}

fn limit_name(key: Option<&LitStr>, mistakes: &mut Mistakes) -> Option<String> {
    let key = key?;
    names::check_text("limit name", key, mistakes);
    Some(key.value())
}

fn limit(entry: &Entry, most: u32, example: &str) -> syn::Result<u32> {
    if entry.is_zero() {
        return Err(entry.wrong("a limit of 0 would let no run start; to stop a queue, pause it".into()));
    }
    entry.number(1..=most, example)
}

/// Complains about parts that are missing.
pub(crate) fn require(entry: &Entry, needed: &[&str], example: &str, parts: &Parts, mistakes: &mut Mistakes) {
    let missing: Vec<_> = needed.iter().copied().filter(|part| !parts.has(part)).collect();
    if !missing.is_empty() {
        let missing = crate::suggest::listed(&missing);
        mistakes.at(&entry.key, format!("`{}` needs {missing}, as in `{example}`", entry.key));
    }
}
