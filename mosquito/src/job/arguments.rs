//! Decodes arguments, and says where they do not.
//!
//! The fields of a struct are taken apart here, by code that all jobs share, and each is decoded by itself. So what is
//! generated for one job is small; with `serde_json` and `serde_path_to_error` around the whole struct it was more
//! than twice as much, and most of what a job cost the compiler.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_path_to_error::Track;

/// Why arguments did not decode, and where.
#[derive(Debug)]
pub(crate) struct Undecodable {
    /// The field of the job that is to blame, or its place in a tuple struct; nothing when it is the whole.
    pub(crate) field: Option<String>,
    /// The path from the job to what is to blame: empty when it is the whole.
    pub(crate) path: String,
    /// What serde said, which may quote what it found.
    pub(crate) why: String,
}

/// Decodes arguments from their JSON.
pub(crate) fn decode<'de, T: Deserialize<'de>>(args: &'de RawValue) -> Result<T, Undecodable> {
    let place = RefCell::default();
    match T::deserialize(Arguments { args, place: &place }) {
        Ok(job) => Ok(job),
        Err(error) => Err(undecodable(place.into_inner(), &error)),
    }
}

/// Where decoding stopped.
#[derive(Debug, Default)]
struct Place {
    field: Option<String>,
    path: String,
}

fn undecodable(place: Place, error: &serde_json::Error) -> Undecodable {
    let Place { field, path } = place;
    // The position is one within the field's own text, which nobody sees; the path says it better.
    let (mut why, position) =
        (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    if why.ends_with(&position) {
        why.truncate(why.len() - position.len());
    }
    Undecodable { field, path, why }
}

type Json<'a, 'de> =
    serde_path_to_error::Deserializer<'a, 'a, &'a mut serde_json::Deserializer<serde_json::de::StrRead<'de>>>;

/// Decodes a text as it is, and takes note of the place when it does not decode.
fn tracked<'de, T>(
    text: &'de RawValue,
    place: &RefCell<Place>,
    field: Option<&str>,
    read: impl FnOnce(Json<'_, 'de>) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    let (mut json, mut track) = (serde_json::Deserializer::from_str(text.get()), Track::new());
    let result = read(serde_path_to_error::Deserializer::new(&mut json, &mut track));
    if result.is_err() {
        *place.borrow_mut() = at(field, &track.path());
    }
    result
}

fn at(field: Option<&str>, path: &serde_path_to_error::Path) -> Place {
    let within = match path.to_string() {
        root if root == "." => String::new(),
        within => within,
    };
    match field {
        Some(field) => {
            let dot = if within.is_empty() || within.starts_with('[') { "" } else { "." };
            Place { field: Some(field.into()), path: format!("{field}{dot}{within}") }
        }
        None => {
            let first = path.iter().next().map(|first| first.to_string());
            let first = first.map(|first| first.trim_matches(['[', ']']).to_owned());
            Place { field: first.filter(|first| !first.is_empty() && first != "."), path: within }
        }
    }
}

struct Arguments<'de, 'a> {
    args: &'de RawValue,
    place: &'a RefCell<Place>,
}

/// What asks for anything but a struct gets the text as it is.
macro_rules! as_it_is {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> serde_json::Result<V::Value> {
            tracked(self.args, self.place, None, |json| json.$method($($argument,)* visitor))
        })*
    };
}

impl<'de> Deserializer<'de> for Arguments<'de, '_> {
    type Error = serde_json::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> serde_json::Result<V::Value> {
        visitor.visit_map(Fields::of(self.args, self.place)?)
    }

    as_it_is! {
        deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(), deserialize_i32(), deserialize_i64(),
        deserialize_i128(), deserialize_u8(), deserialize_u16(), deserialize_u32(), deserialize_u64(),
        deserialize_u128(), deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(),
        deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(), deserialize_unit(),
        deserialize_unit_struct(name: &'static str), deserialize_newtype_struct(name: &'static str), deserialize_seq(),
        deserialize_tuple(len: usize), deserialize_tuple_struct(name: &'static str, len: usize), deserialize_map(),
        deserialize_enum(name: &'static str, variants: &'static [&'static str]), deserialize_identifier(),
        deserialize_ignored_any(),
    }
}

/// The fields of a struct, each with its text.
struct Fields<'de, 'a> {
    fields: std::vec::IntoIter<(Cow<'de, str>, &'de RawValue)>,
    current: Option<(Cow<'de, str>, &'de RawValue)>,
    place: &'a RefCell<Place>,
}

impl<'de, 'a> Fields<'de, 'a> {
    fn of(args: &'de RawValue, place: &'a RefCell<Place>) -> serde_json::Result<Self> {
        let Object(fields) = serde_json::from_str(args.get())?;
        Ok(Self { fields: fields.into_iter(), current: None, place })
    }

    /// The name of the next field.
    fn advance(&mut self) -> Option<&str> {
        // Whoever goes on got over what was wrong before.
        *self.place.borrow_mut() = Place::default();
        self.current = self.fields.next();
        self.current.as_ref().map(|(name, _)| &**name)
    }
}

impl<'de> MapAccess<'de> for Fields<'de, '_> {
    type Error = serde_json::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> serde_json::Result<Option<K::Value>> {
        match self.advance() {
            Some(name) => seed.deserialize(StrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> serde_json::Result<V::Value> {
        let (name, text) = self.current.as_ref().expect("a value is asked for after its key");
        tracked(text, self.place, Some(name), |json| seed.deserialize(json))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.fields.len())
    }
}

/// A JSON object, taken apart.
struct Object<'de>(Vec<(Cow<'de, str>, &'de RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the job's fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Name(name), text)) = members.next_entry()? {
                    fields.push((name, text));
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// A name as it stands in the text, or with its escapes undone.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};
    use serde_json::value::{RawValue, to_raw_value};

    use super::{Undecodable, decode};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Letter {
        to: Vec<Address>,
        #[serde(default)]
        copies: u8,
        note: Option<String>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Address {
        town: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Pair(u8, String);

    fn read<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, Undecodable> {
        decode(&RawValue::from_string(json.into()).unwrap())
    }

    fn refusal<T: for<'de> Deserialize<'de> + std::fmt::Debug>(json: &str) -> (String, String, String) {
        let Undecodable { field, path, why } = read::<T>(json).unwrap_err();
        (field.unwrap_or_default(), path, why)
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let told = |json| refusal::<Letter>(json);
        let is = |field: &str, path: &str, why: &str| (field.to_owned(), path.to_owned(), why.to_owned());

        assert_eq!(
            told(r#"{"to":[{"town":"Rome"},{"town":7}]}"#),
            is("to", "to[1].town", "invalid type: integer `7`, expected a string")
        );
        assert_eq!(
            told(r#"{"to":[],"copies":300}"#),
            is("copies", "copies", "invalid value: integer `300`, expected u8")
        );
        assert_eq!(told(r#"{"copies":1}"#), is("", "", "missing field `to`"));
        assert_eq!(told(r#"{"to":[],"to":[]}"#), is("", "", "duplicate field `to`"));
        assert_eq!(
            told("[1]"),
            is("", "", "invalid type: sequence, expected an object with the job's fields")
        );
        assert_eq!(refusal::<Pair>(r#"[1,{"a":2}]"#), is("1", "[1]", "invalid type: map, expected a string"));
        assert_eq!(refusal::<Pair>("[1]").1, "", "there is no second to blame");
    }

    #[test]
    fn whatever_serde_writes_is_read_again() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Unit;
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Empty {}
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct New(Option<u8>);
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        struct Counts {
            by_number: BTreeMap<u64, u8>,
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        struct Tagged {
            big: u128,
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Flat {
            #[serde(flatten)]
            rest: BTreeMap<String, f64>,
        }
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "Letter", into = "Letter")]
        struct Checked(u8);
        impl TryFrom<Letter> for Checked {
            type Error = String;
            fn try_from(letter: Letter) -> Result<Self, String> {
                if letter.copies > 9 { Err("too many".into()) } else { Ok(Self(letter.copies)) }
            }
        }
        impl From<Checked> for Letter {
            fn from(Checked(copies): Checked) -> Self {
                Self { to: Vec::new(), copies, note: None }
            }
        }
        impl Clone for Checked {
            fn clone(&self) -> Self {
                Self(self.0)
            }
        }
        fn again<T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug>(value: &T) {
            assert_eq!(decode::<T>(&to_raw_value(value).unwrap()).unwrap(), *value);
        }

        again(&Letter { to: vec![Address { town: "Rome".into() }], copies: 2, note: Some("ü\"\\".into()) });
        again(&Pair(7, "seven".into()));
        again(&Unit);
        again(&Empty {});
        again(&(New(None), New(Some(7))));
        again(&Counts { by_number: [(1, 2), (3, 4)].into() });
        again(&Tagged { big: u128::MAX });
        again(&Flat { rest: [("a b".to_owned(), 0.5), ("\n".to_owned(), 1e300)].into() });
        again(&Checked(7));
        assert_eq!(refusal::<Checked>(r#"{"to":[],"copies":10}"#).2, "too many");
    }

    #[test]
    fn names_with_escapes_and_unknown_fields_are_understood() {
        let letter: Letter = read(r#"{"t\u006f":[],"who":{"knows":[1]},"note":"x"}"#).unwrap();

        assert_eq!(letter, Letter { to: Vec::new(), copies: 0, note: Some("x".into()) });
    }
}
