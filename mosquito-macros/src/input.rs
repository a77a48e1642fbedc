//! Reads the item that the attribute stands on.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, GenericParam, Generics, Item, ItemStruct, Meta, Path, Token, Type, parse_quote};

use crate::errors::Mistakes;
use crate::fields::Fields;
use crate::{assumed, borrowed, redact};

/// The type that is to be a job.
pub(crate) struct Input {
    /// The item as it was written, less what would be complained about a second time.
    pub(crate) item: TokenStream,
    pub(crate) ident: Ident,
    /// There are some only where that was complained about.
    pub(crate) generics: Generics,
    pub(crate) arguments: Arguments,
    /// None where this is not a struct, which was complained about.
    pub(crate) fields: Option<Fields>,
    /// The names under which what is never shown is stored.
    pub(crate) redacted: Vec<String>,
    /// The types of fields that are assumed to be arguments.
    pub(crate) assumed: Vec<Type>,
    /// The conditions under which the item exists.
    pub(crate) conditions: Vec<Attribute>,
    pub(crate) is_deprecated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// A struct without fields, which serde makes a `null` of.
    Unit,
    /// Braces or parentheses without fields in them, which serde makes an empty object or list of.
    Empty,
    Fields,
    /// This is not a struct, or not one type, which was complained about.
    Unusable,
}

impl Input {
    /// Reads an item; what is no type at all is handed back, when it was complained about.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Result<Self, TokenStream> {
        match syn::parse2(tokens.clone()) {
            Ok(Item::Struct(item)) => Ok(Self::of_struct(item, mistakes)),
            Ok(Item::Enum(mut item)) => {
                complain(&item.enum_token, "an enum; give the struct a field of this enum's type", mistakes);
                item.variants.iter_mut().for_each(|variant| {
                    drop_helpers(&mut variant.attrs);
                    variant.fields.iter_mut().for_each(|field| drop_helpers(&mut field.attrs));
                });
                drop_serde(&mut item.attrs);
                Ok(Self::unusable(&item, &item.ident, &item.generics, &item.attrs))
            }
            Ok(Item::Union(mut item)) => {
                complain(&item.union_token, "a union", mistakes);
                item.fields.named.iter_mut().for_each(|field| drop_helpers(&mut field.attrs));
                drop_serde(&mut item.attrs);
                Ok(Self::unusable(&item, &item.ident, &item.generics, &item.attrs))
            }
            Ok(other) => {
                complain_about_no_type(&other, mistakes);
                Err(tokens)
            }
            Err(why) => match name_of_struct(&tokens) {
                // Half written, it stays the job that it is about to be.
                Some(ident) => {
                    mistakes.push(Error::new(why.span(), format!("`#[job]` cannot read this struct: {why}")));
                    Ok(Self::unusable(&tokens, &ident, &Generics::default(), &[]))
                }
                None => {
                    complain(&tokens, "this", mistakes);
                    Err(tokens)
                }
            },
        }
    }

    fn of_struct(mut item: ItemStruct, mistakes: &mut Mistakes) -> Self {
        check_attributes(&mut item.attrs, mistakes);
        let (redacted, is_redacted) = redact::take(&mut item, mistakes);
        let fields = Some(Fields::of(&item.fields, &is_redacted));
        let borrows = borrowed::own_fields(&mut item, mistakes);
        if !is_concrete(&item.generics, mistakes) || borrows {
            drop_serde(&mut item.attrs);
            item.fields.iter_mut().for_each(|field| drop_serde(&mut field.attrs));
            let item = borrowed::without_lifetimes(item);
            return Self { fields, ..Self::unusable(&item, &item.ident, &item.generics, &item.attrs) };
        }
        let arguments = match &item.fields {
            syn::Fields::Unit => Arguments::Unit,
            fields if fields.is_empty() => Arguments::Empty,
            _ => Arguments::Fields,
        };
        let unusable = Self::unusable(&item, &item.ident, &item.generics, &item.attrs);
        Self { arguments, fields, redacted, assumed: assumed::types(&item), ..unusable }
    }

    /// A type with arguments that cannot be used, until something better is known of them.
    fn unusable(item: &impl ToTokens, ident: &Ident, generics: &Generics, attributes: &[Attribute]) -> Self {
        let named = |name| attributes.iter().filter(move |attribute| attribute.path().is_ident(name));
        Self {
            item: item.to_token_stream(),
            ident: ident.clone(),
            generics: generics.clone(),
            arguments: Arguments::Unusable,
            fields: None,
            redacted: Vec::new(),
            assumed: Vec::new(),
            conditions: named("cfg").cloned().collect(),
            is_deprecated: named("deprecated").next().is_some(),
        }
    }

    /// The generics of an impl that also asks for what a job is.
    pub(crate) fn generics_of_a_job(&self) -> Generics {
        let mut generics = self.generics.clone();
        if self.arguments == Arguments::Unusable {
            let bound = parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync + 'static);
            generics.make_where_clause().predicates.push(bound);
        }
        generics
    }
}

/// Whether the struct is one type, not a family of them.
fn is_concrete(generics: &Generics, mistakes: &mut Mistakes) -> bool {
    const NEEDED: &str = "`#[job]` needs a struct without parameters";
    match (generics.params.first(), &generics.where_clause) {
        (Some(GenericParam::Lifetime(_)), _) => {
            mistakes.at(&generics.params, format!("{NEEDED}; {}", borrowed::OWNED))
        }
        (Some(_), _) => mistakes.at(
            &generics.params,
            format!(
                "{NEEDED}; a generic job has no single name to be stored under: write one job for each type"
            ),
        ),
        (None, Some(clause)) => {
            mistakes.at(clause, format!("{NEEDED}, so there is nothing for `where` to say"))
        }
        (None, None) => return true,
    }
    false
}

/// Complains about attributes that `#[job]` writes itself, and drops what they say twice.
fn check_attributes(attributes: &mut Vec<Attribute>, mistakes: &mut Mistakes) {
    attributes.retain(|attribute| {
        let is_job = matches!(&*spelled(attribute.path()), "job" | "mosquito::job");
        if is_job {
            mistakes.at(attribute, "a struct is one job; write everything into one `#[job(..)]`");
        }
        !is_job
    });
    for attribute in attributes {
        let path = spelled(attribute.path());
        let Meta::List(list) = &mut attribute.meta else { continue };
        if path == "derive" {
            retain::<Path>(&mut list.tokens, |derive| {
                let derived = serde_derive(derive);
                if let Some(name) = derived {
                    mistakes.at(derive, format!("`#[job]` derives `{name}` itself; drop it here"));
                }
                derived.is_none()
            });
        } else if path == "serde" {
            retain::<Meta>(&mut list.tokens, |option| {
                let is_crate = option.path().is_ident("crate");
                if is_crate {
                    mistakes.at(option, "`#[job]` tells serde where its crate is; drop `crate` here");
                }
                !is_crate
            });
        }
    }
}

/// Keeps those of a list for which a condition holds; all of it where it cannot be read.
fn retain<T: syn::parse::Parse + ToTokens>(list: &mut TokenStream, mut keep: impl FnMut(&T) -> bool) {
    let parser = Punctuated::<T, Token![,]>::parse_terminated;
    if let Ok(items) = syn::parse::Parser::parse2(parser, list.clone()) {
        let kept: Vec<T> = items.into_iter().filter(|item| keep(item)).collect();
        *list = quote::quote!(#(#kept),*);
    }
}

/// Drops what stands on the fields of what is no struct and was complained about as a whole.
fn drop_helpers(attributes: &mut Vec<Attribute>) {
    drop_serde(attributes);
    attributes.retain(|attribute| !redact::is_job(attribute.path()));
}

/// Drops serde's attributes from what will not derive its traits, where nobody knows them.
fn drop_serde(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| !attribute.path().is_ident("serde"));
}

/// What a struct is called that cannot be read, if it has no parameters.
fn name_of_struct(tokens: &TokenStream) -> Option<Ident> {
    let mut tokens = tokens
        .clone()
        .into_iter()
        .skip_while(|token| !matches!(token, TokenTree::Ident(keyword) if keyword == "struct"));
    match (tokens.nth(1), tokens.next()) {
        (Some(TokenTree::Ident(name)), Some(TokenTree::Group(_))) => Some(name),
        _ => None,
    }
}

/// The serde trait that a path in `derive(..)` means.
fn serde_derive(path: &Path) -> Option<&'static str> {
    match &*spelled(path) {
        "Serialize" | "serde::Serialize" => Some("Serialize"),
        "Deserialize" | "serde::Deserialize" => Some("Deserialize"),
        _ => None,
    }
}

fn spelled(path: &Path) -> String {
    let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    names.join("::")
}

fn complain_about_no_type(item: &Item, mistakes: &mut Mistakes) {
    match item {
        Item::Fn(item) => complain(
            &item.sig,
            "a function; what the function does goes into `impl Perform for` the struct",
            mistakes,
        ),
        Item::Trait(item) => complain(&item.trait_token, "a trait", mistakes),
        Item::Impl(item) => {
            complain(&item.impl_token, "an impl block; write it above the struct itself", mistakes);
        }
        Item::Mod(item) => complain(&item.mod_token, "a module; write it above each struct in it", mistakes),
        Item::Type(item) => complain(&item.type_token, "a type alias", mistakes),
        other => complain(other, "this", mistakes),
    }
}

/// Says that this is not a struct, at the word that says what it is.
fn complain(at: &impl ToTokens, what: &str, mistakes: &mut Mistakes) {
    mistakes.at(at, format!("`#[job]` needs a struct, whose fields are the job's arguments, not {what}"));
}
