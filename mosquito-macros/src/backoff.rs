//! How the waits of a retry policy grow: `exponential("2s", max = "1h")`.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Lit, LitStr, parenthesized, token};

use crate::duration;
use crate::entry::{Entry, Value, between_commas, number_as_duration};
use crate::errors::Mistakes;
use crate::suggest::unknown;

/// How the wait grows, and its first and longest value.
pub(crate) struct Backoff {
    pub(crate) growth: Growth,
    pub(crate) first: Duration,
    /// None where the runtime's default is meant.
    pub(crate) max: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    Fixed,
    Linear,
    Quadratic,
    Exponential,
}

/// The longest wait where none is given: `Retry::MAX_WAIT` of the runtime.
const MAX_WAIT: Duration = Duration::from_secs(6 * 3600);

const GROWTHS: [&str; 4] = ["fixed", "linear", "quadratic", "exponential"];

const TAKES: &str = "`backoff` takes `fixed`, `linear`, `quadratic` or `exponential` with the first wait";

impl Backoff {
    /// Reads `backoff = exponential("2s", max = "1h")`.
    pub(crate) fn parse(entry: &Entry, mistakes: &mut Mistakes) -> Option<Self> {
        let called = match &entry.value {
            Value::Is(tokens) => call.parse2(tokens.clone()).ok(),
            Value::Nothing | Value::Missing(_) | Value::List(_) => None,
        };
        let Some((name, arguments)) = called else {
            let example = match entry.literal() {
                Some(Lit::Str(wait)) if duration::parse(&wait.value()).is_ok() => {
                    format!("fixed({})", wait.token())
                }
                Some(Lit::Str(name)) => {
                    Growth::named(&name.value()).unwrap_or(Growth::Exponential).example().to_owned()
                }
                _ => Growth::Exponential.example().to_owned(),
            };
            mistakes.push(entry.wrong(format!("{TAKES}, as in `backoff = {example}`")));
            return None;
        };
        let Some(growth) = Growth::named(&name.to_string()) else {
            mistakes
                .at(&name, unknown("there is no backoff", &name.to_string(), &GROWTHS, "the backoffs are"));
            return None;
        };
        if arguments.is_empty() {
            mistakes
                .push(entry.wrong(format!("`{name}` takes its first wait, as in `{}`", growth.example())));
            return None;
        }
        let waits = Waits::parse(growth, arguments, mistakes);
        waits.compare(growth, mistakes);
        Some(Self { growth, first: waits.first?.1, max: waits.max.map(|(_, max)| max) })
    }
}

/// Reads a name and its arguments in parentheses, if it has them.
fn call(input: ParseStream<'_>) -> syn::Result<(Ident, TokenStream)> {
    let name = input.parse()?;
    if !input.peek(token::Paren) {
        return Ok((name, TokenStream::new()));
    }
    let arguments;
    parenthesized!(arguments in input);
    Ok((name, arguments.parse()?))
}

impl Growth {
    fn named(name: &str) -> Option<Self> {
        let all = [Self::Fixed, Self::Linear, Self::Quadratic, Self::Exponential];
        all.into_iter().find(|growth| growth.name() == name)
    }

    fn name(self) -> &'static str {
        GROWTHS[self as usize]
    }

    fn example(self) -> &'static str {
        match self {
            Self::Fixed => r#"fixed("2s")"#,
            Self::Linear => r#"linear("2s", max = "1h")"#,
            Self::Quadratic => r#"quadratic("2s", max = "1h")"#,
            Self::Exponential => r#"exponential("2s", max = "1h")"#,
        }
    }
}

/// The waits as they were written, each with what it means.
#[derive(Default)]
struct Waits {
    first: Option<(LitStr, Duration)>,
    max: Option<(LitStr, Duration)>,
    /// Whether there was a `max`, if one that could not be read.
    max_given: bool,
}

impl Waits {
    fn parse(growth: Growth, arguments: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut waits = Self::default();
        let (mut first_given, before) = (false, mistakes.count());
        for argument in between_commas(arguments.clone(), mistakes) {
            let (literal, rest) = leading_literal(argument);
            match literal {
                Some(literal) if first_given => mistakes.at(&literal, without_a_name(growth, &literal)),
                Some(literal) => {
                    first_given = true;
                    waits.first = mistakes.take(wait(literal, growth.example()));
                    if !rest.is_empty() {
                        mistakes.at(&rest, "a comma is missing before this");
                    }
                }
                None => {}
            }
            let entries = Entry::parse_list(rest, r#"max = "1h""#, mistakes);
            entries.iter().for_each(|entry| waits.read(growth, entry, mistakes));
        }
        if !first_given && mistakes.count() == before {
            mistakes.at(arguments, format!("the first wait is missing, as in `{}`", growth.example()));
        }
        waits
    }

    fn read(&mut self, growth: Growth, entry: &Entry, mistakes: &mut Mistakes) {
        let (name, example) = (growth.name(), growth.example());
        match &*entry.key.to_string() {
            "max" if growth == Growth::Fixed => {
                mistakes.at(&entry.key, "`fixed` always waits the same, so it has no `max`");
            }
            "max" if self.max_given => mistakes.at(&entry.key, "`max` is given twice"),
            "max" => {
                self.max_given = true;
                let example = r#"max = "1h""#;
                let literal = entry.literal();
                let literal =
                    literal.ok_or_else(|| entry.wrong(format!("`max` is a duration, as in `{example}`")));
                self.max = mistakes.take(literal.and_then(|literal| wait(literal, example)));
            }
            other => mistakes.at(&entry.key, format!("`{name}` has no `{other}`; it is written `{example}`")),
        }
    }

    fn compare(&self, growth: Growth, mistakes: &mut Mistakes) {
        let Some((text, first)) = &self.first else { return };
        let spelled = duration::spell(*first);
        match &self.max {
            Some((text, max)) if max < first => {
                let max = duration::spell(*max);
                mistakes.at(text, format!("the longest wait, {max}, is shorter than the first, {spelled}"));
            }
            None if !self.max_given && growth != Growth::Fixed && *first > MAX_WAIT => mistakes.at(
                text,
                format!("the first wait, {spelled}, is longer than the longest, which is 6h unless given; add `max = \"{spelled}\"` or more"),
            ),
            _ => {}
        }
    }
}

/// A literal in front, and what stands behind it.
fn leading_literal(tokens: TokenStream) -> (Option<Lit>, TokenStream) {
    let literal_and_rest = |input: ParseStream<'_>| Ok((input.parse()?, input.parse()?));
    literal_and_rest.parse2(tokens.clone()).map_or((None, tokens), |(literal, rest)| (Some(literal), rest))
}

fn without_a_name(growth: Growth, literal: &Lit) -> String {
    let name = growth.name();
    match growth {
        Growth::Fixed => format!("`{name}` takes one wait"),
        _ => format!(
            "`{name}` takes one wait without a name, the first; the longest is `max = {}`",
            literal.to_token_stream()
        ),
    }
}

fn wait(literal: Lit, example: &str) -> syn::Result<(LitStr, Duration)> {
    match literal {
        Lit::Str(text) if text.suffix().is_empty() => match duration::parse(&text.value()) {
            Ok(wait) => Ok((text, wait)),
            Err(why) => Err(Error::new_spanned(text, why)),
        },
        other => Err(Error::new_spanned(other, number_as_duration(example))),
    }
}
