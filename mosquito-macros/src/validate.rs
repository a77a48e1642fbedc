//! From what was written to what it means; or to what is wrong with it.

use std::time::Duration;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{LitStr, Path, Type, parse_quote};

use crate::args::Args;
use crate::errors::Mistakes;
use crate::input::Input;
use crate::keys::Key;
use crate::retry::Policy;
use crate::{cron, duration, names, suggest, timezone};

/// All that a job is. Where a mistake was made, a default stands.
pub(crate) struct Definition {
    pub(crate) input: Input,
    /// The path of the runtime crate.
    pub(crate) runtime: Path,
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) queue: String,
    pub(crate) retry: Option<Policy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) states: Vec<Type>,
    pub(crate) blocking: bool,
}

pub(crate) struct Schedule {
    pub(crate) rhythm: Rhythm,
    pub(crate) missed: Missed,
    pub(crate) overlap: Overlap,
}

pub(crate) enum Rhythm {
    Every(Duration),
    Cron { pattern: String, timezone: String },
}

#[derive(Clone, Copy, Default)]
pub(crate) enum Missed {
    #[default]
    Once,
    Skip,
    All,
}

#[derive(Clone, Copy, Default)]
pub(crate) enum Overlap {
    #[default]
    Skip,
    Allow,
}

impl Definition {
    pub(crate) fn validate(input: Input, args: Args, mistakes: &mut Mistakes) -> Self {
        let name = name(&input.ident, args.name.as_ref(), mistakes);
        Self {
            aliases: aliases(&name, &args.aliases, mistakes),
            name,
            queue: queue(args.queue.as_ref(), mistakes),
            timeout: args.timeout.as_ref().and_then(|text| duration_of(text, mistakes)),
            schedule: schedule(&args, mistakes),
            runtime: runtime(args.krate.as_ref(), mistakes),
            blocking: args.key(Key::Blocking).is_some(),
            retry: args.retry,
            states: args.state,
            input,
        }
    }
}

fn name(ident: &Ident, given: Option<&LitStr>, mistakes: &mut Mistakes) -> String {
    if let Some(given) = given {
        check_name("job name", given, mistakes);
        return given.value();
    }
    let name = names::snake_case(&ident.unraw().to_string());
    if let Err(why) = names::check("job name", &name) {
        mistakes.at(ident, format!("{why}; give it one by `#[job(name = \"..\")]`"));
    }
    name
}

fn aliases(name: &str, given: &[LitStr], mistakes: &mut Mistakes) -> Vec<String> {
    let mut aliases: Vec<String> = Vec::new();
    for alias in given {
        let text = alias.value();
        if text == name {
            mistakes
                .at(alias, format!("\"{text}\" is the job's name; `aliases` are names that it had before"));
        } else if aliases.contains(&text) {
            mistakes.at(alias, format!("the alias \"{text}\" is given twice"));
        } else {
            check_name("job name", alias, mistakes);
            aliases.push(text);
        }
    }
    aliases
}

fn queue(given: Option<&LitStr>, mistakes: &mut Mistakes) -> String {
    let Some(queue) = given else { return "default".to_owned() };
    check_name("queue name", queue, mistakes);
    queue.value()
}

fn check_name(kind: &str, name: &LitStr, mistakes: &mut Mistakes) {
    if let Err(why) = names::check(kind, &name.value()) {
        mistakes.at(name, why);
    }
}

fn duration_of(text: &LitStr, mistakes: &mut Mistakes) -> Option<Duration> {
    duration::parse(&text.value()).map_err(|why| mistakes.at(text, why)).ok()
}

fn runtime(given: Option<&LitStr>, mistakes: &mut Mistakes) -> Path {
    let path = given.and_then(|path| {
        let why = "`crate` takes the path of the mosquito crate, as in `crate = \"jobs::mosquito\"`";
        path.parse_with(Path::parse_mod_style).map_err(|_| mistakes.at(path, why)).ok()
    });
    path.unwrap_or_else(|| parse_quote!(::mosquito))
}

fn schedule(args: &Args, mistakes: &mut Mistakes) -> Option<Schedule> {
    refuse_what_does_not_go_together(args, mistakes);
    let every = args.every.as_ref().and_then(|text| duration_of(text, mistakes));
    let cron = args.cron.as_ref().and_then(|pattern| {
        cron::check(&pattern.value()).map_err(|why| mistakes.at(pattern, why)).ok()?;
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
    Some(Schedule { rhythm, missed, overlap })
}

fn refuse_what_does_not_go_together(args: &Args, mistakes: &mut Mistakes) {
    if let (Some(_), Some(cron)) = (args.key(Key::Every), args.key(Key::Cron)) {
        mistakes.at(cron, "`cron` and `every` are two schedules; keep one of them");
    }
    if let (Some(timezone), None) = (args.key(Key::Timezone), args.key(Key::Cron)) {
        mistakes.at(
            timezone,
            match args.key(Key::Every) {
                Some(_) => {
                    "`timezone` goes with `cron`; `every` counts from tick to tick, the same in every zone"
                }
                None => "`timezone` goes with `cron`, as in `cron = \"0 6 * * MON-FRI\"`, which is missing",
            },
        );
    }
    for key in [Key::Missed, Key::Overlap] {
        if let (Some(given), false) = (args.key(key), args.is_periodic()) {
            let needed =
                "goes with a schedule, `every = \"1m\"` or `cron = \"0 6 * * MON-FRI\"`, which is missing";
            mistakes.at(given, format!("`{}` {needed}", key.name()));
        }
    }
}

/// The value of a key that takes one of a few words.
fn choice<T: Default + Copy, const N: usize>(
    key: &str,
    given: Option<&LitStr>,
    choices: [(&str, T); N],
    mistakes: &mut Mistakes,
) -> T {
    let Some(text) = given else { return T::default() };
    let word = text.value();
    match choices.iter().find(|(choice, _)| *choice == word) {
        Some((_, value)) => *value,
        None => {
            let meant = suggest::nearest(&word, choices.iter().map(|(choice, _)| *choice))
                .map_or(String::new(), |meant| format!(", did you mean \"{meant}\"?"));
            let words = choices.map(|(choice, _)| format!("\"{choice}\""));
            mistakes
                .at(text, format!("`{key}` cannot be \"{word}\"{meant}; it is one of {}", words.join(", ")));
            T::default()
        }
    }
}
