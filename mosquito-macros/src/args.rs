//! Reads the attribute: which keys were given, and whether each has a value of the right kind.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, LitStr, Type};

use crate::entry::{Entry, Value, between_commas};
use crate::errors::Mistakes;
use crate::fair::Fair;
use crate::keys::{Key, unknown_key};
use crate::limits::{Concurrency, RateLimit};
use crate::queue::Queue;
use crate::retry::Policy;
use crate::unique::Unique;

/// The least urgent level.
pub(crate) const LAST_PRIORITY: u32 = 9;

/// What was given, as far as it could be read.
#[derive(Default)]
pub(crate) struct Args {
    /// Also those whose value could not be read, and those that a misspelled key seems to mean: no other
    /// key is to be told that it misses them.
    given: Vec<(Key, Ident)>,
    pub(crate) name: Option<LitStr>,
    pub(crate) aliases: Vec<LitStr>,
    /// With the place of the number.
    pub(crate) version: Option<(u32, Span)>,
    pub(crate) queue: Option<Queue>,
    pub(crate) retry: Option<Policy>,
    pub(crate) timeout: Option<LitStr>,
    pub(crate) deadline: Option<LitStr>,
    pub(crate) every: Option<LitStr>,
    pub(crate) cron: Option<LitStr>,
    pub(crate) timezone: Option<LitStr>,
    pub(crate) missed: Option<LitStr>,
    pub(crate) overlap: Option<LitStr>,
    pub(crate) args: Option<TokenStream>,
    pub(crate) state: Vec<Type>,
    /// Whether there are states that could not be read.
    pub(crate) state_is_unclear: bool,
    pub(crate) unique: Option<Unique>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) concurrency: Option<Concurrency>,
    pub(crate) fair: Option<Fair>,
    pub(crate) priority: Option<u32>,
    pub(crate) expires: Option<LitStr>,
    pub(crate) keep_successful: Option<LitStr>,
    pub(crate) keep_dead: Option<LitStr>,
    pub(crate) krate: Option<LitStr>,
}

impl Args {
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut args = Self::default();
        for entry in Entry::parse_list(tokens, Key::Queue.example(), mistakes) {
            let name = entry.key.to_string();
            let Some(key) = Key::named(&name) else {
                let (message, meant) = unknown_key(&name);
                mistakes.at(&entry.key, message);
                args.state_is_unclear |= meant == Some(Key::State);
                args.given.extend(meant.map(|key| (key, entry.key)));
                continue;
            };
            if args.key(key).is_some() {
                mistakes.at(&entry.key, format!("`{name}` is given twice"));
                continue;
            }
            let before = mistakes.count();
            args.read(key, &entry, mistakes);
            args.state_is_unclear |= key == Key::State && mistakes.count() > before;
            args.given.push((key, entry.key));
        }
        args
    }

    /// The key where it was given by its own name, so that there is nothing wrong with it so far.
    pub(crate) fn key(&self, key: Key) -> Option<&Ident> {
        self.given.iter().find(|(given, name)| *given == key && *name == key.name()).map(|(_, name)| name)
    }

    /// Whether somebody at least meant to give the key.
    pub(crate) fn has(&self, key: Key) -> bool {
        self.given.iter().any(|(given, _)| *given == key)
    }

    /// The keys that are known but do nothing yet.
    pub(crate) fn refused(&self) -> impl Iterator<Item = &Ident> {
        let refused = Key::ALL.into_iter().filter(|key| !key.is_performed());
        refused.filter_map(|key| self.key(key))
    }

    /// Whether it is a periodic job's attribute.
    pub(crate) fn is_periodic(&self) -> bool {
        self.has(Key::Every) || self.has(Key::Cron)
    }

    fn read(&mut self, key: Key, entry: &Entry, mistakes: &mut Mistakes) {
        let example = key.example();
        match key {
            Key::Name => self.name = mistakes.take(entry.text(example)),
            Key::Aliases => self.aliases = texts(entry, example, mistakes),
            Key::Version => self.version = mistakes.take(version(entry, example)),
            Key::Queue => self.queue = Queue::parse(entry, example, mistakes),
            Key::Retry => {
                let parts = mistakes.take(entry.list(example));
                self.retry = parts.map(|parts| Policy::parse(parts, mistakes));
            }
            Key::Timeout => self.timeout = mistakes.take(entry.duration(example)),
            Key::Deadline => self.deadline = mistakes.take(entry.duration(example)),
            Key::Every => self.every = mistakes.take(entry.duration(example)),
            Key::Cron => self.cron = mistakes.take(entry.text(example)),
            Key::Timezone => self.timezone = mistakes.take(entry.text(example)),
            Key::Missed => self.missed = mistakes.take(entry.text(example)),
            Key::Overlap => self.overlap = mistakes.take(entry.text(example)),
            Key::Args => self.args = mistakes.take(expression(entry, example)),
            Key::State => self.state = types(entry, example, mistakes),
            Key::Blocking | Key::SyncAck => {
                mistakes.take(entry.flag());
            }
            Key::Unique => self.unique = Unique::parse(entry, example, mistakes),
            Key::RateLimit => self.rate_limit = RateLimit::parse(entry, example, mistakes),
            Key::Concurrency => self.concurrency = Concurrency::parse(entry, example, mistakes),
            Key::Fair => self.fair = Fair::parse(entry, example, mistakes),
            Key::Priority => self.priority = mistakes.take(entry.number(0..=LAST_PRIORITY, example)),
            Key::Expires => self.expires = mistakes.take(entry.duration(example)),
            Key::KeepSuccessful => self.keep_successful = mistakes.take(entry.duration(example)),
            Key::KeepDead => self.keep_dead = mistakes.take(entry.duration(example)),
            Key::Crate => self.krate = mistakes.take(entry.text(example)),
        }
    }
}

/// The number of `version = 2`, and where it stands.
fn version(entry: &Entry, example: &str) -> syn::Result<(u32, Span)> {
    if entry.is_zero() {
        let why = "versions count from 1, which is the one that a job has without `version`";
        return Err(entry.wrong(why.to_owned()));
    }
    let version = entry.number(1..=u32::MAX, example)?;
    Ok((version, entry.literal().span()))
}

/// The tokens of `args = expression`, which is read only to see whether it is one.
fn expression(entry: &Entry, example: &str) -> syn::Result<TokenStream> {
    match &entry.value {
        Value::Is(tokens) if syn::parse2::<Expr>(tokens.clone()).is_ok() => Ok(tokens.clone()),
        _ => Err(entry.wrong(format!("`args` takes an expression of the job's own type, as in `{example}`"))),
    }
}

/// The texts of `aliases("a", "b")`.
fn texts(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Vec<LitStr> {
    let Some(list) = mistakes.take(entry.list(example)) else { return Vec::new() };
    let mut texts = Vec::new();
    for item in between_commas(list, mistakes) {
        match syn::parse2(item.clone()) {
            Ok(Lit::Str(text)) if text.suffix().is_empty() => texts.push(text),
            _ => mistakes.at(item, format!("`{}` takes texts, as in `{example}`", entry.key)),
        }
    }
    texts
}

/// The types of `state(A, b::B<C, D>)`.
fn types(entry: &Entry, example: &str, mistakes: &mut Mistakes) -> Vec<Type> {
    let Some(list) = mistakes.take(entry.list(example)) else { return Vec::new() };
    let parser = syn::punctuated::Punctuated::<Type, syn::Token![,]>::parse_terminated;
    let Ok(types) = syn::parse::Parser::parse2(parser, list.clone()) else {
        mistakes.at(list, format!("`{}` takes types, as in `{example}`", entry.key));
        return Vec::new();
    };
    let mut known: Vec<Type> = Vec::new();
    for state in types {
        let spelling = state.to_token_stream().to_string();
        if known.iter().any(|other| other.to_token_stream().to_string() == spelling) {
            mistakes.at(&state, format!("the state `{}` is given twice", spelling.replace(' ', "")));
        } else if let Some(mistake) = no_state(&state) {
            mistakes.push(mistake);
        } else {
            known.push(state);
        }
    }
    known
}

/// Why no value of a type can be an application's state.
fn no_state(state: &Type) -> Option<Error> {
    let why = match state {
        Type::Reference(reference) if reference.lifetime.as_ref().is_none_or(|l| l.ident != "static") => {
            "a state belongs to the runner, so it cannot be borrowed; name the type itself, or an `Arc` of it"
        }
        Type::TraitObject(_) => {
            "a state has a size; put the trait into a pointer, as in `state(Arc<dyn Mailer>)`"
        }
        Type::Slice(_) => "a state has a size; name what owns the slice, as in `state(Vec<u8>)`",
        Type::Path(path) if path.path.is_ident("str") => {
            "a state has a size; name what owns the text, as in `state(String)`"
        }
        Type::ImplTrait(_) => "a state is a type with a name, not any type that implements a trait",
        // A type that a macro was given.
        Type::Group(group) => return no_state(&group.elem),
        Type::Infer(_) => "a state is a type with a name, as in `state(Mailer)`",
        _ => return None,
    };
    Some(Error::new_spanned(state, why))
}
