//! The retry policy: `retry(attempts = 8, backoff = exponential("2s", max = "1h"), jitter = 0.2)`.

use proc_macro2::TokenStream;
use syn::{Error, Lit};

use crate::backoff::Backoff;
use crate::entry::Entry;
use crate::errors::Mistakes;
use crate::suggest::unknown;

/// The parts that were given.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) attempts: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
    pub(crate) jitter: Option<f64>,
}

const PARTS: [&str; 3] = ["attempts", "backoff", "jitter"];

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
                "backoff" => policy.backoff = Backoff::parse(&entry, mistakes),
                "jitter" => policy.jitter = mistakes.take(jitter(&entry)),
                _ => mistakes.at(&entry.key, unknown("`retry` has no", &part, &PARTS, "its parts are")),
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
        Err(_) => Err(entry.wrong(format!("`attempts` is a whole number from 1 to {}", u32::MAX))),
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
