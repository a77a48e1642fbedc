//! The fields of a job, and how other keys name them: `by = [user_id, tenant]`, in tuple structs `by = [0]`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Index, Lit, Member, bracketed};

use crate::entry::{Entry, Value, between_commas};
use crate::errors::Mistakes;
use crate::suggest::unknown;

/// The names of a struct's fields; of a tuple struct, their places.
pub(crate) struct Fields {
    names: Vec<String>,
    are_places: bool,
    /// Those of which the value is never shown.
    redacted: Vec<String>,
}

/// A field as another key names it.
pub(crate) struct FieldName {
    written: TokenStream,
    name: String,
}

impl Fields {
    /// Of these, and of each whether it is redacted.
    pub(crate) fn of(fields: &syn::Fields, redacted: &[bool]) -> Self {
        let are_places = matches!(fields, syn::Fields::Unnamed(_));
        let names = fields.iter().enumerate().map(|(place, field)| match &field.ident {
            Some(ident) => ident.unraw().to_string(),
            None => place.to_string(),
        });
        let names: Vec<_> = names.collect();
        let redacted = names.iter().zip(redacted).filter(|(_, redacted)| **redacted);
        let redacted = redacted.map(|(name, _)| name.clone()).collect();
        Self { names, are_places, redacted }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether one of these must not be shown.
    pub(crate) fn hide(&self, named: &[FieldName]) -> bool {
        named.iter().any(|field| self.redacted.contains(&field.name))
    }

    /// Complains about names that are not those of fields of this job, and about repeated ones.
    pub(crate) fn check(&self, job: &Ident, named: &[FieldName], mistakes: &mut Mistakes) {
        for (at, FieldName { written, name }) in named.iter().enumerate() {
            if !self.names.contains(name) {
                mistakes.at(written, self.no_such(job, name));
            } else if named[..at].iter().any(|other| other.name == *name) {
                mistakes.at(written, format!("the field `{name}` is given twice"));
            }
        }
    }

    fn no_such(&self, job: &Ident, name: &str) -> String {
        let complaint = format!("`{job}` has no field");
        if self.is_empty() {
            format!("`{job}` has no fields, so there is no `{name}`")
        } else if self.are_places && name.parse::<usize>().is_err() {
            format!("{complaint} `{name}`: its fields have no names; write their places, as in `by = [0]`")
        } else {
            let choices: Vec<_> = self.names.iter().map(String::as_str).collect();
            let sentence = if choices.len() == 1 { "its field is" } else { "its fields are" };
            unknown(&complaint, name, &choices, sentence)
        }
    }
}

impl FieldName {
    /// The field's name, or its place.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether both are the same field.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name
    }

    /// Where it was written.
    pub(crate) fn span(&self) -> Span {
        self.written.span()
    }

    /// What stands behind `self.` to read it.
    pub(crate) fn member(&self) -> Member {
        match syn::parse2(self.written.clone()) {
            Ok(ident) => Member::Named(ident),
            Err(_) => {
                let index = self.name.parse().unwrap_or(u32::MAX);
                Member::Unnamed(Index { index, span: self.span() })
            }
        }
    }

    /// Reads the name of one field: `user_id`.
    pub(crate) fn parse(tokens: &TokenStream) -> Option<Self> {
        let written = tokens.clone();
        let name = match syn::parse2::<Ident>(tokens.clone()) {
            Ok(ident) => ident.unraw().to_string(),
            Err(_) => match syn::parse2(tokens.clone()) {
                Ok(Lit::Int(place)) if place.suffix().is_empty() => place.base10_digits().to_owned(),
                _ => return None,
            },
        };
        Some(Self { written, name })
    }

    /// Reads `by = [user_id, tenant]`.
    pub(crate) fn parse_list(entry: &Entry, mistakes: &mut Mistakes) -> Vec<Self> {
        const EXAMPLE: &str = "as in `by = [user_id]`";
        let list = match &entry.value {
            Value::Is(tokens) => in_brackets.parse2(tokens.clone()).ok(),
            Value::Nothing | Value::Missing(_) | Value::List(_) => None,
        };
        let Some(list) = list else {
            let key = &entry.key;
            mistakes.push(entry.wrong(format!("`{key}` takes names of fields in brackets, {EXAMPLE}")));
            return Vec::new();
        };
        if list.is_empty() {
            mistakes.push(entry.wrong(format!("`by` names no field; leave it out, or fill it, {EXAMPLE}")));
        }
        let mut names = Vec::new();
        for item in between_commas(list, mistakes) {
            match Self::parse(&item) {
                Some(name) => names.push(name),
                None => {
                    mistakes.at(item, format!("the name of a field stands here, without quotes, {EXAMPLE}"));
                }
            }
        }
        names
    }
}

fn in_brackets(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let list;
    bracketed!(list in input);
    list.parse()
}
