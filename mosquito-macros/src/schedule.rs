//! When a job is performed by itself.

use std::time::Duration;

use syn::LitStr;

use crate::args::Args;
use crate::errors::Mistakes;
use crate::input::{Arguments, Input};
use crate::keys::Key;
use crate::words::choice;
use crate::{cron, duration, timezone};

pub(crate) struct Schedule {
    pub(crate) rhythm: Rhythm,
    pub(crate) missed: Missed,
    pub(crate) overlap: Overlap,
}

pub(crate) enum Rhythm {
    Every(Duration),
    Cron { pattern: String, timezone: String },
}

#[derive(Clone, Copy)]
pub(crate) enum Missed {
    Once,
    Skip,
    All,
}

#[derive(Clone, Copy)]
pub(crate) enum Overlap {
    Skip,
    Allow,
}

const SCHEDULES: &str = "`every = \"1m\"` or `cron = \"0 6 * * MON-FRI\"`";

impl Schedule {
    /// The schedule that was given, if there is one that can be read.
    pub(crate) fn validate(args: &Args, input: &Input, mistakes: &mut Mistakes) -> Option<Self> {
        refuse_what_does_not_go_together(args, mistakes);
        refuse_args_without_need(args, input, mistakes);
        let every = args.every.as_ref().and_then(|text| {
            let period = every(&text.value());
            period.map_err(|why| mistakes.at(text, why)).ok()
        });
        let cron = args.cron.as_ref().and_then(|pattern| {
            check_cron(&pattern.value()).map_err(|why| mistakes.at(pattern, why)).ok()?;
            Some(pattern.value())
        });
        let timezone = args.timezone.as_ref().map_or("UTC".to_owned(), LitStr::value);
        if let (Some(literal), Err(why)) = (&args.timezone, timezone::check(&timezone)) {
            mistakes.at(literal, why);
        }
        let missed = [("once", Missed::Once), ("skip", Missed::Skip), ("all", Missed::All)];
        let missed = choice("missed", args.missed.as_ref(), missed, mistakes);
        let overlap = [("skip", Overlap::Skip), ("allow", Overlap::Allow)];
        let overlap = choice("overlap", args.overlap.as_ref(), overlap, mistakes);
        let rhythm = match (every, cron) {
            (Some(period), _) => Rhythm::Every(period),
            (None, Some(pattern)) => Rhythm::Cron { pattern, timezone },
            (None, None) => return None,
        };
        Some(Self { rhythm, missed, overlap })
    }
}

/// Reads a period; a pattern is told its key.
fn every(text: &str) -> Result<Duration, String> {
    duration::parse(text).map_err(|why| match cron::check(text) {
        Ok(()) => format!("this is a cron pattern, not a duration; write `cron = {text:?}`"),
        Err(_) => why,
    })
}

/// Checks a pattern; a period is told its key.
fn check_cron(pattern: &str) -> Result<(), String> {
    cron::check(pattern).map_err(|why| {
        let period = pattern.trim().trim_start_matches("@every").trim();
        match duration::parse(period) {
            Ok(_) => format!("this is a duration, not a cron pattern; write `every = {period:?}`"),
            Err(_) => why,
        }
    })
}

fn refuse_what_does_not_go_together(args: &Args, mistakes: &mut Mistakes) {
    if let (true, Some(cron)) = (args.has(Key::Every), args.key(Key::Cron)) {
        mistakes.at(cron, "`cron` and `every` are two schedules; keep one of them");
    }
    if let (Some(timezone), false) = (args.key(Key::Timezone), args.has(Key::Cron)) {
        let why = if args.has(Key::Every) {
            "`timezone` goes with `cron`; `every` counts from tick to tick, the same in every zone"
        } else {
            "`timezone` goes with `cron`, as in `cron = \"0 6 * * MON-FRI\"`, which is missing"
        };
        mistakes.at(timezone, why);
    }
    for key in [Key::Missed, Key::Overlap] {
        if let (Some(given), false) = (args.key(key), args.is_periodic()) {
            let needed = format!("`{}` goes with a schedule, {SCHEDULES}, which is missing", key.name());
            mistakes.at(given, needed);
        }
    }
}

fn refuse_args_without_need(args: &Args, input: &Input, mistakes: &mut Mistakes) {
    let Some(given) = args.key(Key::Args) else { return };
    if !args.is_periodic() {
        let why = format!("`args` are those of a periodic job; they go with {SCHEDULES}, which is missing");
        mistakes.at(given, why);
    } else if matches!(input.arguments, Arguments::Unit | Arguments::Empty) {
        let why =
            format!("`{}` has no fields, so there is nothing for `args` to say; leave it out", input.ident);
        mistakes.at(given, why);
    }
}
