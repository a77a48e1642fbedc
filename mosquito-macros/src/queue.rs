//! Which queue a job's runs go into: `queue = "mail"`, or `queue("events", partitions = 8, by = [user_id])`.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::{Lit, LitStr};

use crate::args::Args;
use crate::entry::{Entry, Value, between_commas};
use crate::errors::Mistakes;
use crate::fields::FieldName;
use crate::flow::Flow;
use crate::input::Input;
use crate::keys::Key;
use crate::limits::require;
use crate::names;
use crate::parts::Parts;

/// The most partitions of one queue.
pub(crate) const MOST_PARTITIONS: u32 = 64;

const EXAMPLE: &str = r#"queue("events", partitions = 8)"#;

/// A queue, as far as it could be read.
pub(crate) struct Queue {
    name: LitStr,
    partitions: Option<u32>,
    by: Vec<FieldName>,
}

/// A queue with nothing wrong.
pub(crate) struct Place {
    pub(crate) name: String,
    /// 1, where it is whole.
    pub(crate) partitions: u32,
    /// The fields by which runs are put into partitions.
    pub(crate) by: Vec<FieldName>,
}

impl Queue {
    pub(crate) fn parse(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Option<Self> {
        if !is_list(entry) {
            let name = mistakes.take(entry.text(example))?;
            return Some(Self { name, partitions: None, by: Vec::new() });
        }
        let list = mistakes.take(entry.list(EXAMPLE))?;
        let mut pieces = between_commas(list, mistakes).into_iter();
        let first = pieces.next().unwrap_or_default();
        let Ok(Lit::Str(name)) = syn::parse2(first.clone()) else {
            mistakes.at(first, format!("the name of the queue stands here, in quotes, as in `{EXAMPLE}`"));
            return None;
        };
        let rest: Vec<TokenStream> = pieces.collect();
        if rest.is_empty() {
            let name = &name.value();
            mistakes.push(entry.wrong(format!(
                "write `queue = {name:?}`; a list is for a queue with partitions, as in `{EXAMPLE}`"
            )));
            return None;
        }
        let parts =
            Parts::parse("queue", &["partitions", "by"], "partitions = 8", quote!(#(#rest),*), mistakes);
        require(entry, &["partitions"], EXAMPLE, &parts, mistakes);
        Some(Self {
            name,
            partitions: parts.read("partitions", partitions, mistakes),
            by: parts.get("by").map_or(Vec::new(), |by| FieldName::parse_list(by, mistakes)),
        })
    }

    /// Checks it by itself, and with the job and what must hold in all partitions together.
    pub(crate) fn validate(self, args: &Args, input: &Input, flow: &Flow, mistakes: &mut Mistakes) -> Place {
        let Self { name, partitions, by } = self;
        names::check_text("queue name", &name, mistakes);
        if let Some(fields) = &input.fields {
            fields.check(&input.ident, &by, mistakes);
        }
        let place = Place { name: name.value(), partitions: partitions.unwrap_or(1), by };
        if place.partitions > 1 {
            if args.is_periodic() {
                mistakes.at(
                    args.key(Key::Queue),
                    "a periodic job has one run at each tick, which no partitions are needed for; give it a queue that has none",
                );
            }
            place.check_uniqueness(args.key(Key::Unique), flow, mistakes);
            place.check_limits(args, flow, mistakes);
        }
        place
    }
}

/// Whether more than a name is meant: a name alone in other brackets is a name.
fn is_list(entry: &Entry) -> bool {
    let Value::List(group) = &entry.value else { return false };
    let is_comma = |token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ',');
    group.delimiter() == Delimiter::Parenthesis || group.stream().into_iter().any(is_comma)
}

fn partitions(entry: &Entry) -> syn::Result<u32> {
    if entry.is_zero() {
        return Err(entry.wrong("a queue of 0 partitions would take no run".into()));
    }
    entry.number(1..=MOST_PARTITIONS, "partitions = 8")
}

impl Place {
    /// Two runs of one unique key stand in one partition, or neither would know of the other.
    fn check_uniqueness(&self, key: Option<&Ident>, flow: &Flow, mistakes: &mut Mistakes) {
        let Some(unique) = &flow.unique else { return };
        // Without any, it is by all fields; and a queue without any is partitioned by what its runs are unique by.
        if unique.by.is_empty() || self.by.is_empty() {
            return;
        }
        if let Some(missing) = self.missing(&unique.by) {
            mistakes.at(
                key,
                format!(
                    "uniqueness holds within one partition of a queue, and runs that differ in `{missing}` stand in several; name it in `unique(by = [..])` too, or not in `queue(.., by = [..])`"
                ),
            );
        }
    }

    /// The runs under one limit stand in one partition, or it would be a limit for each.
    fn check_limits(&self, args: &Args, flow: &Flow, mistakes: &mut Mistakes) {
        let rate = flow.rate.as_ref().map(|rate| (Key::RateLimit, &rate.by, rate.key.is_some()));
        let at_once = flow.at_once.as_ref().map(|limit| (Key::Concurrency, &limit.by, limit.key.is_some()));
        for (key, by, is_shared) in rate.into_iter().chain(at_once) {
            let within = "a limit holds within one partition of a queue, and";
            let is_same =
                by.len() == self.by.len() && by.iter().zip(&self.by).all(|(one, other)| one.is(other));
            let why = if self.by.is_empty() {
                let by: Vec<_> = by.iter().map(FieldName::name).collect();
                let by = if by.is_empty() { "user_id".to_owned() } else { by.join(", ") };
                format!(
                    "{within} its runs stand in all of them; say which belong together, as in `queue(.., by = [{by}])`, and name that in the limit's `by`"
                )
            } else if let Some(missing) = self.missing(by) {
                format!(
                    "{within} runs that differ in `{missing}` stand in several; name it in the limit's `by` too, or give the job a queue without partitions"
                )
            } else if is_shared && !is_same {
                // Another job that shares it knows its key, and not which part of that decides.
                "a limit that jobs share has the same `by` as the queue when that has partitions, in the same order".to_owned()
            } else {
                continue;
            };
            mistakes.at(args.key(key), why);
        }
    }

    /// A field that decides on the partition, and is not among these.
    fn missing(&self, among: &[FieldName]) -> Option<&str> {
        let missing = self.by.iter().find(|field| !among.iter().any(|other| other.is(field)));
        missing.map(FieldName::name)
    }
}
