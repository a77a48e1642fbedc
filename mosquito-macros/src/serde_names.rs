//! The names that serde gives to the fields of a struct.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Token, parse_quote};

use crate::entry::between_commas;
use crate::errors::Mistakes;

/// What `#[serde(..)]` says of a struct or of a field.
pub(crate) struct SerdeOptions(Vec<SerdeOption>);

struct SerdeOption {
    meta: Meta,
    /// Whether it is said in a `cfg_attr`, so that it may hold or not.
    is_conditional: bool,
}

/// The ways between a value and what is stored: each may have names of its own.
const WAYS: [&str; 2] = ["serialize", "deserialize"];

/// All names under which a field may be stored or read.
pub(crate) fn of_field(ident: &Ident, of_field: &SerdeOptions, of_struct: &SerdeOptions) -> Vec<String> {
    let ident = ident.unraw().to_string();
    let mut names = Vec::new();
    for way in WAYS {
        let renamed = of_field.texts("rename", way);
        if renamed.iter().all(|(_, is_conditional)| *is_conditional) {
            let rules = of_struct.texts("rename_all", way);
            if rules.iter().all(|(_, is_conditional)| *is_conditional) {
                names.push(ident.clone());
            }
            names.extend(rules.iter().map(|(rule, _)| in_case(rule, &ident)));
        }
        names.extend(renamed.into_iter().map(|(name, _)| name));
    }
    names.extend(of_field.texts("alias", WAYS[1]).into_iter().map(|(name, _)| name));
    names
}

/// All places at which a field of a tuple struct may be stored or read, as text.
pub(crate) fn of_place(place: usize, of_fields: &[SerdeOptions]) -> Vec<String> {
    let mut places = Vec::new();
    for skip in ["skip_serializing", "skip_deserializing"] {
        // A skipped field has no place, so those behind it move up.
        let before = &of_fields[..place];
        let skipped = |holds: fn(&SerdeOptions, &str) -> bool| {
            before.iter().filter(|options| holds(options, "skip") || holds(options, skip)).count()
        };
        let (surely, maybe) = (skipped(SerdeOptions::has_always), skipped(SerdeOptions::has));
        places.extend((place - maybe..=place - surely).map(|place| place.to_string()));
    }
    places
}

impl SerdeOptions {
    pub(crate) fn of(attributes: &[Attribute]) -> Self {
        let mut options = Self(Vec::new());
        for attribute in attributes {
            options.add(&attribute.meta, false);
            if attribute.path().is_ident("cfg") {
                // Where it is not compiled, those behind it move up, as behind one that is skipped.
                options.0.push(SerdeOption { meta: parse_quote!(skip), is_conditional: true });
            }
        }
        options
    }

    fn add(&mut self, meta: &Meta, is_conditional: bool) {
        let Meta::List(list) = meta else { return };
        // What serde cannot read either, it complains about itself.
        let pieces = between_commas(list.tokens.clone(), &mut Mistakes::default());
        let metas = pieces.into_iter().map(syn::parse2::<Meta>);
        if list.path.is_ident("serde") {
            let options = metas.flatten().map(|meta| SerdeOption { meta, is_conditional });
            self.0.extend(options);
        } else if list.path.is_ident("cfg_attr") {
            metas.skip(1).flatten().for_each(|meta| self.add(&meta, true));
        }
    }

    /// Whether an option is there, in some builds at least.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|option| option.meta.path().is_ident(name))
    }

    /// Whether an option is there in every build.
    pub(crate) fn has_always(&self, name: &str) -> bool {
        self.0.iter().any(|option| !option.is_conditional && option.meta.path().is_ident(name))
    }

    /// The texts of `name = "text"` and of `name(serialize = "text")`, each with whether it is conditional.
    fn texts(&self, name: &str, way: &str) -> Vec<(String, bool)> {
        let named = self.0.iter().filter(|option| option.meta.path().is_ident(name));
        let texts = named.flat_map(|option| {
            let texts = texts(&option.meta, way);
            texts.into_iter().map(|text| (text, option.is_conditional))
        });
        texts.collect()
    }
}

fn texts(meta: &Meta, way: &str) -> Vec<String> {
    match meta {
        Meta::NameValue(pair) => text(&pair.value).into_iter().collect(),
        Meta::List(list) => {
            let parser = Punctuated::<Meta, Token![,]>::parse_terminated;
            let options = parser.parse2(list.tokens.clone()).unwrap_or_default();
            options
                .iter()
                .filter(|option| option.path().is_ident(way))
                .flat_map(|one| texts(one, way))
                .collect()
        }
        Meta::Path(_) => Vec::new(),
    }
}

fn text(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        // A text that a macro was given.
        Expr::Group(group) => text(&group.expr),
        _ => None,
    }
}

/// A field's name by a rule of `rename_all`.
fn in_case(rule: &str, name: &str) -> String {
    let capitalized = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + chars.as_str())
    };
    let pascal = || name.split('_').map(capitalized).collect::<String>();
    match rule {
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            let mut chars = pascal.chars();
            chars
                .next()
                .map_or(String::new(), |first| first.to_ascii_lowercase().to_string() + chars.as_str())
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        // "lowercase" and "snake_case" are what a field is called anyway; serde knows no others.
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use syn::{ItemStruct, parse_quote};

    use super::{SerdeOptions, in_case, of_field, of_place};

    fn names(item: &ItemStruct) -> Vec<String> {
        let field = item.fields.iter().next().unwrap();
        let mut names = of_field(
            field.ident.as_ref().unwrap(),
            &SerdeOptions::of(&field.attrs),
            &SerdeOptions::of(&item.attrs),
        );
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn every_rule_of_serde_is_known() {
        for (rule, name) in [
            ("lowercase", "card_number"),
            ("UPPERCASE", "CARD_NUMBER"),
            ("PascalCase", "CardNumber"),
            ("camelCase", "cardNumber"),
            ("snake_case", "card_number"),
            ("SCREAMING_SNAKE_CASE", "CARD_NUMBER"),
            ("kebab-case", "card-number"),
            ("SCREAMING-KEBAB-CASE", "CARD-NUMBER"),
        ] {
            assert_eq!(in_case(rule, "card_number"), name);
        }
    }

    #[test]
    fn a_field_has_the_name_that_its_own_attribute_gives_it_or_that_of_the_rule() {
        assert_eq!(
            names(&parse_quote!(
                struct Pay {
                    r#type: u8,
                }
            )),
            ["type"]
        );
        assert_eq!(
            names(&parse_quote!(
                #[serde(rename_all = "camelCase")]
                struct Pay {
                    card_number: u8,
                }
            )),
            ["cardNumber"]
        );
        assert_eq!(
            names(&parse_quote!(
                #[serde(rename_all = "camelCase")]
                struct Pay {
                    #[serde(rename = "no")]
                    card_number: u8,
                }
            )),
            ["no"]
        );
    }

    #[test]
    fn each_way_has_its_own_name_and_aliases_are_names_too() {
        assert_eq!(
            names(&parse_quote!(
                #[serde(rename_all(serialize = "kebab-case"))]
                struct Pay {
                    #[serde(alias = "pan", alias = "card")]
                    card_number: u8,
                }
            )),
            ["card", "card-number", "card_number", "pan"]
        );
        assert_eq!(
            names(&parse_quote!(
                struct Pay {
                    #[serde(rename(serialize = "out", deserialize = "in"))]
                    card_number: u8,
                }
            )),
            ["in", "out"]
        );
    }

    #[test]
    fn what_holds_in_some_builds_adds_a_name() {
        assert_eq!(
            names(&parse_quote!(
                #[cfg_attr(feature = "web", serde(rename_all = "camelCase"))]
                struct Pay {
                    #[cfg_attr(test, serde(rename = "no"))]
                    card_number: u8,
                }
            )),
            ["cardNumber", "card_number", "no"]
        );
    }

    #[test]
    fn a_skipped_field_of_a_tuple_struct_has_no_place() {
        let places = |item: &ItemStruct| {
            let options: Vec<_> = item.fields.iter().map(|field| SerdeOptions::of(&field.attrs)).collect();
            let mut places = of_place(options.len() - 1, &options);
            places.dedup();
            places
        };

        assert_eq!(
            places(&parse_quote!(
                struct Pay(u8, u8, u8);
            )),
            ["2"]
        );
        assert_eq!(
            places(&parse_quote!(
                struct Pay(#[serde(skip)] u8, u8, u8);
            )),
            ["1"]
        );
        assert_eq!(
            places(&parse_quote!(
                struct Pay(#[serde(skip_serializing)] u8, u8);
            )),
            ["0", "1"]
        );
        assert_eq!(
            places(&parse_quote!(
                struct Pay(#[cfg(test)] u8, u8, u8);
            )),
            ["1", "2", "1", "2"]
        );
    }
}
