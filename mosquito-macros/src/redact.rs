//! Fields whose values are never shown: `#[job(redact)]`.
//!
//! What is shown is what is stored, so a field is found by the names that serde gives it there. All that it
//! may have are listed, those of other builds and of older releases too: to hide what is not there does no harm.

use proc_macro2::Ident;
use syn::{Attribute, Field, ItemStruct, Meta, Path};

use crate::entry::{Entry, between_commas};
use crate::errors::Mistakes;
use crate::keys::Key;
use crate::serde_names::{self, SerdeOptions};
use crate::suggest::unknown;

/// All arguments at once, where the struct is stored as its one field is.
const EVERYTHING: &str = ".";

const FIELDS_TAKE: &str = "fields take `redact` alone, as in `#[job(redact)]`";

/// Takes `#[job(redact)]` off the fields; the answer is the names of those that have it, and for each field whether it does.
pub(crate) fn take(item: &mut ItemStruct, mistakes: &mut Mistakes) -> (Vec<String>, Vec<bool>) {
    let marks: Vec<_> = item.fields.iter_mut().map(|field| mark(&mut field.attrs, mistakes)).collect();
    let is_redacted = marks.iter().map(Option::is_some).collect();
    let of_struct = SerdeOptions::of(&item.attrs);
    let of_fields: Vec<_> = item.fields.iter().map(|field| SerdeOptions::of(&field.attrs)).collect();
    let mut redacted: Vec<String> = Vec::new();
    for (place, (field, mark)) in item.fields.iter().zip(marks).enumerate() {
        let Some(mark) = mark else { continue };
        if let Some(why) = why_not_found(&of_struct, &of_fields[place]) {
            mistakes.at(mark, why);
            continue;
        }
        let names = match &field.ident {
            _ if of_struct.has("transparent") || is_alone(item, field) => vec![EVERYTHING.to_owned()],
            Some(ident) => serde_names::of_field(ident, &of_fields[place], &of_struct),
            None => serde_names::of_place(place, &of_fields),
        };
        redacted.extend(names);
    }
    redacted.sort();
    redacted.dedup();
    (redacted, is_redacted)
}

/// Takes the attribute off one field; the answer is the word `redact`, if it is there.
fn mark(attributes: &mut Vec<Attribute>, mistakes: &mut Mistakes) -> Option<Ident> {
    let mut mark: Option<Ident> = None;
    for attribute in
        attributes.extract_if(.., |attribute| is_job(attribute.path()) || is_job_under_condition(attribute))
    {
        let list = match &attribute.meta {
            Meta::List(list) if !is_job(attribute.path()) => {
                mistakes.at(list, "what is redacted is so in every build; write it without `cfg_attr`");
                continue;
            }
            Meta::List(list) if !list.tokens.is_empty() => list.tokens.clone(),
            _ => {
                mistakes.at(&attribute, FIELDS_TAKE);
                continue;
            }
        };
        for entry in Entry::parse_list(list, "redact", mistakes) {
            let word = entry.key.to_string();
            if word != "redact" {
                mistakes.at(&entry.key, not_of_a_field(&word));
            } else if mark.is_some() {
                mistakes.at(&entry.key, "`redact` is given twice");
            } else {
                mistakes.take(entry.flag());
                mark = Some(entry.key);
            }
        }
    }
    mark
}

fn not_of_a_field(word: &str) -> String {
    match Key::named(word) {
        Some(_) => format!(
            "`{word}` is said of the job, not of a field; write it into the `#[job(..)]` above the struct"
        ),
        None => unknown("unknown word", word, &["redact"], "fields take") + " alone",
    }
}

/// Whether it is this macro's own attribute, by whatever path: no other of this name can stand on a field.
pub(crate) fn is_job(path: &Path) -> bool {
    path.segments.last().is_some_and(|last| last.ident == "job")
}

/// Whether it is `#[cfg_attr(.., job(redact))]`.
fn is_job_under_condition(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    let pieces = between_commas(list.tokens.clone(), &mut Mistakes::default());
    let is_job = |piece: &proc_macro2::TokenStream| {
        syn::parse2::<Meta>(piece.clone()).is_ok_and(|meta| is_job(meta.path()))
    };
    list.path.is_ident("cfg_attr") && pieces.iter().skip(1).any(is_job)
}

/// Why a field cannot be found in the stored arguments.
fn why_not_found(of_struct: &SerdeOptions, of_field: &SerdeOptions) -> Option<String> {
    if of_field.has("flatten") {
        let why = "`#[serde(flatten)]` leaves this field no name to be found by; drop one of the two";
        return Some(why.to_owned());
    }
    if of_field.has_always("skip") {
        let why = "`#[serde(skip)]` keeps this field out of the arguments, so there is nothing to redact";
        return Some(why.to_owned());
    }
    let other = ["into", "from", "try_from"].into_iter().find(|option| of_struct.has(option))?;
    Some(format!(
        "`#[serde({other} = ..)]` stores another type, in which this field cannot be found; drop one of the two"
    ))
}

/// Whether a struct may have this field alone, without a name: then it is stored as the field is.
fn is_alone(item: &ItemStruct, field: &Field) -> bool {
    let is_conditional = |other: &Field| other.attrs.iter().any(|attribute| attribute.path().is_ident("cfg"));
    field.ident.is_none()
        && item.fields.iter().all(|other| std::ptr::eq(other, field) || is_conditional(other))
}
