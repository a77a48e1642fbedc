//! The retry policy: `retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2)`.

use proc_macro2::TokenStream;
use syn::Lit;

use crate::backoff::Backoff;
use crate::entry::Entry;
use crate::errors::Mistakes;
use crate::parts::Parts;

/// The parts that were given.
pub(crate) struct Policy {
    pub(crate) attempts: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) jitter: Option<f64>,
}

impl Policy {
    /// Reads what stands between the parentheses of `retry(..)`.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let parts =
            Parts::parse("retry", &["attempts", "backoff", "jitter"], "attempts = 8", tokens, mistakes);
        Self {
            attempts: parts.read("attempts", attempts, mistakes),
            backoff: parts.get("backoff").and_then(|entry| Backoff::parse(entry, mistakes)),
            jitter: parts.read("jitter", jitter, mistakes),
        }
    }
}

fn attempts(entry: &Entry) -> syn::Result<u32> {
    if entry.is_zero() {
        let why = "a run with 0 attempts is never performed; `attempts` counts the first one too, so `attempts = 1` is never to retry";
        return Err(entry.wrong(why.to_owned()));
    }
    entry.number(1..=u32::MAX, "attempts = 8")
}

fn jitter(entry: &Entry) -> syn::Result<f64> {
    let share = match entry.literal().filter(|literal| literal.suffix().is_empty()) {
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
