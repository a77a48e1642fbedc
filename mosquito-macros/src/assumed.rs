//! Which types of fields are assumed to be arguments.
//!
//! Serde's code for a field that is none would be complained about several times, in serde's words. It is not where
//! serde's impl assumes that the field is an argument; then the impl of `Job` is told that it is none, once.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, GenericArgument, Ident, ItemStruct, Meta, Path, PathArguments, Token, Type, TypePath,
    WherePredicate, parse_quote,
};

/// What everybody knows to be an argument, with arguments within it that are some: nothing need be assumed.
const KNOWN: [&str; 32] = [
    "bool",
    "char",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "String",
    "Vec",
    "Option",
    "Box",
    "VecDeque",
    "HashMap",
    "HashSet",
    "BTreeMap",
    "BTreeSet",
    "Duration",
    "PathBuf",
    "SystemTime",
    "IpAddr",
    "Ipv4Addr",
    "Ipv6Addr",
    "SocketAddr",
];

/// What serde may be told of a field so that its type need not be written and read.
const ELSEWISE: [&str; 7] =
    ["skip", "skip_serializing", "skip_deserializing", "with", "serialize_with", "deserialize_with", "bound"];

/// The same of a struct: serde then writes and reads something else.
const ELSEWHERE: [&str; 5] = ["from", "try_from", "into", "remote", "bound"];

/// The types of the fields that may be no arguments, as far as one can see, each once.
pub(crate) fn types(item: &ItemStruct) -> Vec<Type> {
    if says_any(&item.attrs, &ELSEWHERE) {
        return Vec::new();
    }
    let fields = item.fields.iter().filter(|field| !says_any(&field.attrs, &ELSEWISE));
    let mut assumed: Vec<Type> = Vec::new();
    for field in fields.filter(|field| may_be_none(&field.ty, &item.ident)) {
        let spelling = field.ty.to_token_stream().to_string();
        if assumed.iter().all(|other| other.to_token_stream().to_string() != spelling) {
            assumed.push(field.ty.clone());
        }
    }
    assumed
}

/// Whether serde is told one of these; also whether that, or the whole field, hangs on a condition.
fn says_any(attributes: &[Attribute], words: &[&str]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        let Meta::List(list) = &attribute.meta else { return false };
        if path.is_ident("cfg") || path.is_ident("cfg_attr") {
            return true;
        }
        let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
        let options = syn::parse::Parser::parse2(parser, list.tokens.clone());
        path.is_ident("serde")
            && options.is_ok_and(|options| {
                options.iter().any(|option| words.iter().any(|word| option.path().is_ident(word)))
            })
    })
}

/// A job within itself would be assumed by what the assumption is about, and what a macro calls `$crate` has no spelling.
fn may_be_none(argument: &Type, job: &Ident) -> bool {
    let cannot_be_assumed = |token: &TokenTree| match token {
        TokenTree::Ident(word) => word == job || word == "Self",
        other => other.to_string() == "$",
    };
    !is_known(argument) && !any_token(argument.to_token_stream(), &cannot_be_assumed)
}

fn any_token(tokens: TokenStream, is_one: &impl Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => any_token(group.stream(), is_one),
        other => is_one(&other),
    })
}

fn is_known(argument: &Type) -> bool {
    match argument {
        Type::Array(array) => is_known(&array.elem),
        Type::Group(group) => is_known(&group.elem),
        Type::Paren(paren) => is_known(&paren.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_known),
        Type::Path(TypePath { qself: None, path, .. }) => {
            let known =
                path.segments.last().is_some_and(|last| KNOWN.iter().any(|known| last.ident == known));
            known && path.segments.iter().all(|segment| has_known_arguments(&segment.arguments))
        }
        _ => false,
    }
}

fn has_known_arguments(arguments: &PathArguments) -> bool {
    match arguments {
        PathArguments::None => true,
        PathArguments::Parenthesized(_) => false,
        PathArguments::AngleBracketed(arguments) => arguments.args.iter().all(|argument| match argument {
            GenericArgument::Type(argument) => is_known(argument),
            _ => false,
        }),
    }
}

/// The assumption that a type is an argument.
pub(crate) fn predicate(argument: &Type, runtime: &Path) -> WherePredicate {
    parse_quote!(for<'job> #argument: #runtime::__private::Argument<'job>)
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::{ItemStruct, parse_quote};

    fn assumed(item: &ItemStruct) -> Vec<String> {
        super::types(item).iter().map(|assumed| assumed.to_token_stream().to_string()).collect()
    }

    #[test]
    fn what_everybody_knows_is_not_asked_about() {
        let item = parse_quote! {
            struct Greet {
                id: u64,
                names: std::collections::BTreeMap<String, Vec<Option<(u8, [bool; 3])>>>,
                wait: std::time::Duration,
            }
        };

        assert_eq!(assumed(&item), [""; 0]);
    }

    #[test]
    fn each_other_type_is_assumed_once() {
        let item = parse_quote!(
            struct Greet(Name, Vec<db::Address>, Name, Box<dyn Read>);
        );

        assert_eq!(assumed(&item), ["Name", "Vec < db :: Address >", "Box < dyn Read >"]);
    }

    #[test]
    fn nothing_is_assumed_of_what_serde_passes_over_or_of_the_job_itself() {
        let item = parse_quote! {
            struct Greet {
                #[serde(skip)]
                cache: Cache,
                #[serde(default, with = "hex")]
                bytes: Bytes,
                #[cfg(feature = "later")]
                later: Later,
                answers: Vec<Greet>,
                others: Vec<Self>,
            }
        };
        assert_eq!(assumed(&item), [""; 0]);

        let item = parse_quote! {
            #[serde(from = "Text", into = "Text")]
            struct Greet { name: Name }
        };
        assert_eq!(assumed(&item), [""; 0]);
    }
}
