//! Refuses arguments that are borrowed, and makes what stands in for such a struct own them.
//!
//! A struct that borrows could not stand in for a job, which lives as long as it likes, without the
//! compiler's complaining wherever it is named: so all that it borrows becomes `'static`.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    GenericArgument, GenericParam, Generics, ItemStruct, PathArguments, Type, TypeReference, parse_quote,
};

use crate::errors::Mistakes;

pub(crate) const OWNED: &str = "a job outlives what enqueued it, so it owns its arguments: `String` instead of `&str`, `Vec<T>` instead of `&[T]`";

/// Complains about fields that are borrowed, unless for a lifetime that the struct has, which is complained
/// about there; the answer is whether there are any.
pub(crate) fn own_fields(item: &mut ItemStruct, mistakes: &mut Mistakes) -> bool {
    let mut borrows = false;
    for field in &mut item.fields {
        let written = field.ty.clone();
        // What serde is told to leave out may be borrowed for ever.
        let is_serdes = !field.attrs.iter().any(|attribute| attribute.path().is_ident("serde"));
        if own(&mut field.ty) || (is_serdes && is_static(&field.ty)) {
            mistakes.at(written, OWNED);
            borrows = true;
        }
    }
    borrows
}

/// The struct without its lifetimes.
pub(crate) fn without_lifetimes(mut item: ItemStruct) -> ItemStruct {
    let lifetimes = take_lifetimes(&mut item.generics);
    for field in &mut item.fields {
        let owned = forever(field.ty.to_token_stream(), &lifetimes);
        field.ty = Type::Verbatim(owned);
    }
    let clause = item.generics.where_clause.take();
    let clause = forever(clause.to_token_stream(), &lifetimes);
    item.generics.where_clause = syn::parse2(clause).ok().flatten();
    item
}

fn is_static(argument: &Type) -> bool {
    match argument {
        Type::Reference(TypeReference { lifetime: Some(lifetime), .. }) => lifetime.ident == "static",
        // A type that a macro was given.
        Type::Group(group) => is_static(&group.elem),
        _ => false,
    }
}

/// Gives each reference without a lifetime one; the answer is whether there are any.
fn own(argument: &mut Type) -> bool {
    match argument {
        Type::Reference(TypeReference { lifetime: lifetime @ None, .. }) => {
            *lifetime = Some(parse_quote!('static));
            true
        }
        Type::Array(array) => own(&mut array.elem),
        Type::Group(group) => own(&mut group.elem),
        Type::Paren(paren) => own(&mut paren.elem),
        Type::Tuple(tuple) => own_each(tuple.elems.iter_mut()),
        Type::Path(path) => own_each(path.path.segments.iter_mut().flat_map(|segment| {
            let arguments = match &mut segment.arguments {
                PathArguments::AngleBracketed(arguments) => Some(arguments.args.iter_mut()),
                PathArguments::None | PathArguments::Parenthesized(_) => None,
            };
            arguments.into_iter().flatten().filter_map(|argument| match argument {
                GenericArgument::Type(argument) => Some(argument),
                _ => None,
            })
        })),
        _ => false,
    }
}

fn own_each<'a>(arguments: impl Iterator<Item = &'a mut Type>) -> bool {
    // Each of them, also behind one that is borrowed.
    let borrowed: Vec<_> = arguments.map(own).collect();
    borrowed.contains(&true)
}

fn take_lifetimes(generics: &mut Generics) -> Vec<Ident> {
    let mut taken = Vec::new();
    let parameters = std::mem::take(&mut generics.params);
    for parameter in parameters {
        match parameter {
            GenericParam::Lifetime(parameter) => taken.push(parameter.lifetime.ident),
            other @ (GenericParam::Type(_) | GenericParam::Const(_)) => generics.params.push(other),
        }
    }
    taken
}

/// Puts `'static` where these lifetimes are named.
fn forever(tokens: TokenStream, lifetimes: &[Ident]) -> TokenStream {
    let mut after_quote = false;
    let replaced = tokens.into_iter().map(|token| {
        let named = std::mem::replace(
            &mut after_quote,
            matches!(&token, TokenTree::Punct(quote) if quote.as_char() == '\''),
        );
        match token {
            TokenTree::Ident(name) if named && lifetimes.contains(&name) => {
                TokenTree::Ident(Ident::new("static", name.span()))
            }
            TokenTree::Group(group) => {
                let mut replaced = Group::new(group.delimiter(), forever(group.stream(), lifetimes));
                replaced.set_span(group.span());
                TokenTree::Group(replaced)
            }
            other => other,
        }
    });
    replaced.collect()
}
