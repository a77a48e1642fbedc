//! The parts of one key, as in `retry(attempts = 8, jitter = 0.2)`.

use proc_macro2::TokenStream;

use crate::entry::Entry;
use crate::errors::Mistakes;
use crate::suggest::{nearest, unknown};

/// Those that were given, each once and each known.
pub(crate) struct Parts {
    entries: Vec<Entry>,
    /// What a misspelled part seems to mean: it is not to be missed as well.
    meant: Vec<String>,
    /// Whether something else stands there, which may mean anything.
    unreadable: bool,
}

impl Parts {
    /// Reads what stands between the parentheses of a key that has these parts.
    pub(crate) fn parse(
        key: &str,
        parts: &[&str],
        example: &str,
        tokens: TokenStream,
        mistakes: &mut Mistakes,
    ) -> Self {
        let (mut entries, mut meant) = (Vec::<Entry>::new(), Vec::new());
        let before = mistakes.count();
        let all = Entry::parse_list(tokens, example, mistakes);
        let unreadable = mistakes.count() > before;
        for entry in all {
            let name = entry.key.to_string();
            if !parts.contains(&&*name) {
                let complaint = format!("`{key}` has no");
                mistakes.at(&entry.key, unknown(&complaint, &name, parts, "its parts are"));
                meant.extend(nearest(&name, parts.iter().copied()).map(str::to_owned));
            } else if entries.iter().any(|other| other.key == name) {
                mistakes.at(&entry.key, format!("`{name}` is given twice"));
            } else {
                entries.push(entry);
            }
        }
        Self { entries, meant, unreadable }
    }

    pub(crate) fn get(&self, part: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == part)
    }

    /// Reads a part, if it was given and can be read.
    pub(crate) fn read<T>(
        &self,
        part: &str,
        read: impl FnOnce(&Entry) -> syn::Result<T>,
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        self.get(part).and_then(|entry| mistakes.take(read(entry)))
    }

    /// Whether somebody at least meant to give it.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.get(part).is_some() || self.unreadable || self.meant.iter().any(|meant| meant == part)
    }
}
