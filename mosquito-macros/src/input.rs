//! Reads the item that the attribute stands on.

use proc_macro2::TokenStream;
use syn::{Fields, Item, ItemStruct, Meta, Path};

use crate::errors::Mistakes;

/// The item, as it was written.
pub(crate) enum Input {
    /// A struct that can be a job.
    Struct(Box<ItemStruct>),
    /// Something else, which was complained about.
    Other(TokenStream),
}

impl Input {
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let item = match syn::parse2(tokens.clone()) {
            Ok(item) => item,
            // What the parser does not know, the compiler may; what neither knows, it tells better.
            Err(_) => Item::Verbatim(tokens.clone()),
        };
        match item {
            Item::Struct(item) => {
                let is_concrete = is_concrete(&item, mistakes);
                check_attributes(&item, mistakes);
                if is_concrete { Self::Struct(Box::new(item)) } else { Self::Other(tokens) }
            }
            other => {
                complain(&other, mistakes);
                Self::Other(tokens)
            }
        }
    }
}

/// Whether the struct is one type, not a family of them.
fn is_concrete(item: &ItemStruct, mistakes: &mut Mistakes) -> bool {
    let generics = &item.generics;
    if let Some(parameter) = generics.params.first() {
        let why = match parameter {
            syn::GenericParam::Lifetime(_) => {
                "a run outlives what enqueued it, so a job owns its arguments: `String` instead of `&str`, `Vec<T>` instead of `&[T]`"
            }
            _ => "a generic job has no single name to be stored under: write one job for each type",
        };
        mistakes.at(&generics.params, format!("`#[job]` needs a struct without parameters; {why}"));
    } else if let Some(clause) = &generics.where_clause {
        mistakes.at(clause, "`#[job]` needs a struct without a `where` clause");
    }
    generics.params.is_empty() && generics.where_clause.is_none()
}

/// Complains about attributes that `#[job]` writes itself.
fn check_attributes(item: &ItemStruct, mistakes: &mut Mistakes) {
    for attribute in &item.attrs {
        if attribute.path().is_ident("derive") {
            // What is no list of paths is for the derive to complain about.
            let _ = attribute.parse_nested_meta(|derive| {
                if let Some(name) = serde_derive(&derive.path) {
                    mistakes.at(&derive.path, format!("`#[job]` derives `{name}` itself; drop it here"));
                }
                Ok(())
            });
        } else if attribute.path().is_ident("serde")
            && let Meta::List(list) = &attribute.meta
        {
            let mut options = Vec::new();
            let _ = list.parse_nested_meta(|option| {
                options.push(option.path.clone());
                // The value is serde's business.
                let _ = option.value().and_then(|value| value.parse::<syn::Expr>());
                Ok(())
            });
            if let Some(option) = options.iter().find(|option| option.is_ident("crate")) {
                mistakes.at(option, "`#[job]` tells serde itself where it is; drop `crate` here");
            }
        } else if attribute.path().segments.last().is_some_and(|last| last.ident == "job") {
            mistakes.at(attribute, "a struct is one job; write everything into one `#[job(..)]`");
        }
    }
}

/// The serde trait that a path in `derive(..)` means.
fn serde_derive(path: &Path) -> Option<&'static str> {
    let mut names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let name = names.pop()?;
    let is_serdes = names.is_empty() || names == ["serde"];
    ["Serialize", "Deserialize"].into_iter().find(|derive| is_serdes && *derive == name)
}

/// Says that this is not a struct, at the word that says what it is.
fn complain(item: &Item, mistakes: &mut Mistakes) {
    const NEEDED: &str = "`#[job]` needs a struct, whose fields are the job's arguments";
    match item {
        Item::Enum(item) => mistakes.at(
            item.enum_token,
            format!("{NEEDED}, not an enum; give the struct a field of this enum's type"),
        ),
        Item::Union(item) => mistakes.at(item.union_token, format!("{NEEDED}, not a union")),
        Item::Fn(item) => mistakes.at(
            &item.sig,
            format!("{NEEDED}, not a function; what it does goes into `impl Perform for` the struct"),
        ),
        Item::Trait(item) => mistakes.at(item.trait_token, format!("{NEEDED}, not a trait")),
        Item::Impl(item) => mistakes.at(
            item.impl_token,
            format!("{NEEDED}, not an impl block; it stands above the struct's definition"),
        ),
        Item::Mod(item) => {
            mistakes.at(item.mod_token, format!("{NEEDED}, not a module; it stands above each struct in it"))
        }
        Item::Type(item) => mistakes.at(item.type_token, format!("{NEEDED}, not a type alias")),
        other => mistakes.at(other, NEEDED),
    }
}

/// Whether the struct has no arguments at all, which serde makes a `null` of.
pub(crate) fn is_unit(item: &ItemStruct) -> bool {
    matches!(item.fields, Fields::Unit)
}
