//! The retry policy: `retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2)`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, Lit, LitStr, parenthesized, token};

use crate::duration;
use crate::entry::{Entry, Value, between_commas, number_as_duration};
use crate::errors::Mistakes;
use crate::suggest::unknown;

/// The parts that were given.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) attempts: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) jitter: Option<f64>,
}

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

const PARTS: [&str; 3] = ["attempts", "backoff", "jitter"];
const GROWTHS: [&str; 4] = ["fixed", "linear", "quadratic", "exponential"];
const BACKOFF_EXAMPLE: &str = r#"backoff = exponential("2s", max = "1h")"#;

impl Policy {
    /// Reads what stands between the parentheses of `retry(..)`.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut policy = Self::default();
        let mut given = Vec::new();
        for entry in Entry::parse_list(tokens, mistakes) {
            let part = entry.key.to_string();
            if given.contains(&part) {
                mistakes.at(&entry.key, format!("`{part}` is given twice"));
                continue;
            }
            match &*part {
                "attempts" => policy.attempts = mistakes.take(attempts(&entry)),
                "backoff" => policy.backoff = backoff(&entry, mistakes),
                "jitter" => policy.jitter = mistakes.take(jitter(&entry)),
                _ => mistakes.at(&entry.key, unknown("part of `retry`", &part, &PARTS)),
            }
            given.push(part);
        }
        policy
    }
}

fn attempts(entry: &Entry) -> syn::Result<u32> {
    let Some(Lit::Int(number)) = entry.literal() else {
        return Err(entry.wrong("`attempts` takes a whole number from 1, as in `attempts = 8`".to_owned()));
    };
    match number.base10_parse() {
        Ok(0) => Err(Error::new_spanned(
            number,
            "a run with 0 attempts is never performed; `attempts` counts the first one too, so `attempts = 1` is never to retry",
        )),
        Ok(attempts) => Ok(attempts),
        Err(_) => {
            Err(Error::new_spanned(&number, format!("`attempts` is a whole number from 1 to {}", u32::MAX)))
        }
    }
}

fn jitter(entry: &Entry) -> syn::Result<f64> {
    let share = match entry.literal() {
        Some(Lit::Float(share)) => share.base10_parse().ok(),
        Some(Lit::Int(share)) => share.base10_parse().ok(),
        _ => None,
    };
    match share {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => {
            Err(entry.wrong("`jitter` is a share of the wait, from 0 to 1, as in `jitter = 0.2`".to_owned()))
        }
    }
}

fn backoff(entry: &Entry, mistakes: &mut Mistakes) -> Option<Backoff> {
    let growths = "`backoff` takes `fixed`, `linear`, `quadratic` or `exponential` with the first wait";
    let Value::Is(tokens) = &entry.value else {
        mistakes.push(entry.wrong(format!("{growths}, as in `{BACKOFF_EXAMPLE}`")));
        return None;
    };
    if let Some(Lit::Str(_)) = entry.literal() {
        mistakes.at(tokens, format!("{growths}, as in `backoff = fixed({tokens})`"));
        return None;
    }
    let Ok((name, arguments)) = named_call.parse2(tokens.clone()) else {
        mistakes.at(tokens, format!("{growths}, as in `{BACKOFF_EXAMPLE}`"));
        return None;
    };
    let Some(growth) = Growth::named(&name.to_string()) else {
        mistakes.at(&name, unknown("backoff", &name.to_string(), &GROWTHS));
        return None;
    };
    let Some(arguments) = arguments.filter(|arguments| !arguments.is_empty()) else {
        mistakes.at(tokens, format!("`{name}` takes its first wait, as in `{}`", growth.example()));
        return None;
    };
    growth.waits(&name, arguments, mistakes)
}

/// `exponential("2s", max = "1h")`, or the name alone.
fn named_call(input: ParseStream<'_>) -> syn::Result<(Ident, Option<TokenStream>)> {
    let name = input.parse()?;
    if !input.peek(token::Paren) {
        return Ok((name, None));
    }
    let arguments;
    parenthesized!(arguments in input);
    Ok((name, Some(arguments.parse()?)))
}

impl Growth {
    fn named(name: &str) -> Option<Self> {
        let all = [Self::Fixed, Self::Linear, Self::Quadratic, Self::Exponential];
        GROWTHS.iter().position(|growth| *growth == name).map(|at| all[at])
    }

    fn example(self) -> &'static str {
        match self {
            Self::Fixed => r#"fixed("2s")"#,
            Self::Linear => r#"linear("2s", max = "1h")"#,
            Self::Quadratic => r#"quadratic("2s", max = "1h")"#,
            Self::Exponential => r#"exponential("2s", max = "1h")"#,
        }
    }

    /// Reads the first wait, and the longest one.
    fn waits(self, name: &Ident, arguments: TokenStream, mistakes: &mut Mistakes) -> Option<Backoff> {
        let example = self.example();
        let mut first: Option<(LitStr, Duration)> = None;
        let mut max: Option<(LitStr, Duration)> = None;
        let (mut first_given, mut max_given) = (false, false);
        for argument in between_commas(arguments.clone(), mistakes) {
            if let Ok(literal) = syn::parse2::<Lit>(argument.clone()) {
                if first_given {
                    let named = literal.to_token_stream();
                    let instead = if self == Self::Fixed {
                        String::new()
                    } else {
                        format!("; the longest is `max = {named}`")
                    };
                    mistakes
                        .at(literal, format!("`{name}` takes one wait without a name, the first{instead}"));
                } else {
                    first_given = true;
                    first = mistakes.take(wait(literal, example));
                }
                continue;
            }
            for entry in Entry::parse_list(argument, mistakes) {
                match entry.key.to_string().as_str() {
                    "max" if self == Self::Fixed => {
                        mistakes.at(&entry.key, "`fixed` always waits the same, so it has no `max`");
                    }
                    "max" if max_given => mistakes.at(&entry.key, "`max` is given twice"),
                    "max" => {
                        max_given = true;
                        let literal = entry.literal().ok_or_else(|| {
                            entry.wrong("`max` is a duration, as in `max = \"1h\"`".to_owned())
                        });
                        max = mistakes.take(literal.and_then(|literal| wait(literal, "max = \"1h\"")));
                    }
                    other => mistakes
                        .at(&entry.key, format!("unknown argument `{other}` of `{name}`, as in `{example}`")),
                }
            }
        }
        if !first_given {
            mistakes.at(&arguments, format!("the first wait is missing, as in `{example}`"));
        }
        let (first_text, first) = first?;
        match &max {
            Some((text, max)) if *max < first => {
                mistakes.at(
                    text,
                    format!(
                        "the longest wait, {}, is shorter than the first, {}",
                        duration::spell(*max),
                        duration::spell(first)
                    ),
                );
            }
            None if !max_given && self != Self::Fixed && first > MAX_WAIT => {
                mistakes.at(first_text, format!("the first wait, {0}, is longer than the longest, which is 6h unless given: `max = \"{0}\"` or more", duration::spell(first)));
            }
            _ => {}
        }
        Some(Backoff { growth: self, first, max: max.map(|(_, max)| max) })
    }
}

fn wait(literal: Lit, example: &str) -> syn::Result<(LitStr, Duration)> {
    match literal {
        Lit::Str(text) => match duration::parse(&text.value()) {
            Ok(wait) => Ok((text, wait)),
            Err(why) => Err(Error::new_spanned(text, why)),
        },
        other => Err(Error::new_spanned(other, number_as_duration(example))),
    }
}
