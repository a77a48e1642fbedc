//! From what was written to what it means; or to what is wrong with it.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::{LitStr, Path, Type, parse_quote};

use crate::args::Args;
use crate::errors::Mistakes;
use crate::flow::Flow;
use crate::input::Input;
use crate::keys::Key;
use crate::queue::Place;
use crate::retry::Policy;
use crate::schedule::Schedule;
use crate::{duration, names};

/// All that a job is. Where a mistake was made, a default stands.
pub(crate) struct Definition {
    pub(crate) input: Input,
    /// The path of the runtime crate.
    pub(crate) runtime: Path,
    pub(crate) name: String,
    pub(crate) aliases: Vec<String>,
    /// The version of its arguments, and where it was said, unless it is the first.
    pub(crate) version: Option<(u32, Span)>,
    pub(crate) queue: Option<Place>,
    pub(crate) retry: Option<Policy>,
    pub(crate) timeout: Option<Duration>,
    /// The time of all attempts together.
    pub(crate) deadline: Option<Duration>,
    pub(crate) schedule: Option<Schedule>,
    /// What the job is at each tick: an expression.
    pub(crate) args: Option<TokenStream>,
    pub(crate) states: Vec<Type>,
    /// Whether there are others, which could not be read.
    pub(crate) state_is_unclear: bool,
    pub(crate) blocking: bool,
    pub(crate) sync_ack: bool,
    pub(crate) flow: Flow,
}

impl Definition {
    pub(crate) fn validate(input: Input, mut args: Args, mistakes: &mut Mistakes) -> Self {
        refuse_what_is_not_performed(&args, mistakes);
        let name = name(&input.ident, args.name.as_ref(), mistakes);
        let flow = Flow::validate(&mut args, &input, mistakes);
        let queue = args.queue.take().map(|queue| queue.validate(&args, &input, &flow, mistakes));
        let timeout = args.timeout.as_ref().and_then(|text| duration::of(text, mistakes));
        Self {
            aliases: aliases(&name, &args.aliases, mistakes),
            name,
            queue,
            version: args.version.filter(|(version, _)| *version > 1),
            timeout,
            deadline: args.deadline.as_ref().and_then(|text| deadline(text, timeout, mistakes)),
            schedule: Schedule::validate(&args, &input, mistakes),
            runtime: runtime(args.krate.as_ref(), mistakes),
            flow,
            blocking: args.key(Key::Blocking).is_some(),
            sync_ack: args.key(Key::SyncAck).is_some(),
            retry: args.retry,
            args: args.args,
            states: args.state,
            state_is_unclear: args.state_is_unclear,
            input,
        }
    }
}

fn name(ident: &Ident, given: Option<&LitStr>, mistakes: &mut Mistakes) -> String {
    if let Some(given) = given {
        names::check_text("job name", given, mistakes);
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
            names::check_text("job name", alias, mistakes);
            aliases.push(text);
        }
    }
    aliases
}

/// The time of all attempts together, which is no shorter than that of one.
fn deadline(given: &LitStr, timeout: Option<Duration>, mistakes: &mut Mistakes) -> Option<Duration> {
    let deadline = duration::of(given, mistakes)?;
    if let Some(timeout) = timeout.filter(|timeout| deadline < *timeout) {
        let timeout = duration::spell(timeout);
        mistakes.at(
            given,
            format!(
                "the deadline, for all attempts together, is shorter than the timeout of one attempt, \"{timeout}\", which would never be over"
            ),
        );
    }
    Some(deadline)
}

fn runtime(given: Option<&LitStr>, mistakes: &mut Mistakes) -> Path {
    let path = given.and_then(|path| {
        let why = "`crate` takes the path of the mosquito crate, as in `crate = \"jobs::mosquito\"`";
        path.parse_with(Path::parse_mod_style).map_err(|_| mistakes.at(path, why)).ok()
    });
    path.unwrap_or_else(|| parse_quote!(::mosquito))
}

/// Checks what is known but not performed yet, and refuses it: what would do nothing is not ignored.
fn refuse_what_is_not_performed(args: &Args, mistakes: &mut Mistakes) {
    for text in [&args.keep_successful, &args.keep_dead].into_iter().flatten() {
        duration::of(text, mistakes);
    }
    for key in args.refused() {
        mistakes.at(
            key,
            format!("`{key}` is not performed by this version of mosquito: it would do nothing, so it is refused; leave it out"),
        );
    }
}
