//! What a type asks a deserializer for, and the values that are tried as an answer.
//!
//! The first candidate of each is an extreme one, so that a narrower type notices it; so are the
//! [alternatives](Ask::alternatives), which are kept in payloads of their own. What follows is for types
//! that accept little: a date is asked for as text.

use serde_json::Number;

use super::draft::{Content, Entry, Node};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ask {
    Bool,
    /// With the least and the greatest value of its type.
    Integer(i64, u64),
    /// With a value that is large for its type.
    Float(f64),
    Character,
    Text,
    Unit,
    /// What a variant without content holds.
    Empty,
    Option,
    Sequence,
    Tuple(usize),
    Map,
    Struct(&'static [&'static str]),
    /// A field with the name of a variant, and one with what it holds.
    Adjacent(&'static [&'static str]),
    /// An object whose fields become known one by one, as they are missed.
    Entries,
    Enum(&'static [&'static str]),
    /// A text that names something; what, serde says when it is a wrong one.
    Identifier,
    Tag(Vec<String>),
    /// JSON as it stands.
    Raw,
    Any,
    /// Anything within anything: a text, until the type says what else.
    Item,
}

/// Texts of the kinds that are read from text. The first is long and not ASCII, the second short.
const TEXTS: [&str; 24] = [
    "a \"text\" of some length, with ümläuts and 漢字",
    "",
    "2026-01-02T03:04:05.678Z",
    "2026-01-02T03:04:05.678",
    "2026-01-02",
    "03:04:05",
    "00000000-0000-4000-8000-000000000001",
    "https://example.org/path",
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.1:80",
    "ada@example.org",
    "example.org",
    "Europe/Berlin",
    "1",
    "1.5",
    "1.2.3",
    "a",
    "A",
    "EUR",
    "Mon",
    "January",
    "1s",
    "00ff00ff00ff00ff00ff00ff",
];

/// Numbers that mean something to a type which does not take the extremes: 1, percent, seconds, milliseconds.
const NUMBERS: [u64; 5] = [1, 10, 100, 1_700_000_000, 1_700_000_000_000];

const FLOATS: [f64; 4] = [0.5, 1.0, 0.0, -1.0];

/// Of what an anything is made, after the texts.
const ANYTHING: usize = TEXTS.len();

impl Ask {
    /// The ask behind what a visitor says it expects; for values that serde keeps in between.
    pub(super) fn expecting(words: &str) -> Option<Self> {
        let integer = |min, max| Some(Self::Integer(min, max));
        let has = |part: &str| words.contains(part);
        let number_in = || words.split(' ').find_map(|word| word.parse().ok());
        if has("any ") {
            None
        } else if has("string") || has("str ") {
            Some(Self::Text)
        } else if has("tuple") || has("array") {
            number_in().map(Self::Tuple)
        } else if has("struct ") || has("tagged enum") {
            Some(Self::Entries)
        } else if has("map") {
            Some(Self::Map)
        } else if has("sequence") || has(" set") {
            Some(Self::Sequence)
        } else if has("boolean") {
            Some(Self::Bool)
        } else if has("character") {
            Some(Self::Character)
        } else if has("unit") {
            Some(Self::Unit)
        } else {
            match words.split(' ').next_back()? {
                "i8" => integer(i8::MIN.into(), i8::MAX as u64),
                "i16" => integer(i16::MIN.into(), i16::MAX as u64),
                "i32" => integer(i32::MIN.into(), i32::MAX as u64),
                "i64" | "isize" | "i128" => integer(i64::MIN, i64::MAX as u64),
                "u8" => integer(0, u8::MAX.into()),
                "u16" => integer(0, u16::MAX.into()),
                "u32" => integer(0, u32::MAX.into()),
                "u64" | "usize" | "u128" | "number" => integer(0, u64::MAX),
                "f32" => Some(Self::Float(1e38)),
                "f64" => Some(Self::Float(1e300)),
                _ => None,
            }
        }
    }

    /// The candidate of that index, if there are so many. Text is marked with `label` where only that
    /// tells it from others.
    pub(super) fn candidate(&self, index: usize, label: &str) -> Option<Content> {
        let first = |content| (index == 0).then_some(content);
        let hole = || Box::new(Node::hole(label));
        match self {
            Self::Bool => [true, false].get(index).map(|value| Content::Bool(*value)),
            Self::Integer(min, max) => integer(*min, *max, index).map(Content::Number),
            Self::Float(large) => {
                let value = [*large].into_iter().chain(FLOATS).nth(index)?;
                Number::from_f64(value).map(Content::Number)
            }
            Self::Character => ["漢", "a", "1"].get(index).map(|value| Content::Text((*value).into())),
            Self::Text => TEXTS.get(index).map(|value| Content::Text((*value).into())),
            Self::Unit | Self::Empty => first(Content::Null),
            Self::Option => [Content::Some(hole()), Content::Null].into_iter().nth(index),
            Self::Sequence => [vec![*hole()], vec![]].into_iter().nth(index).map(Content::Sequence),
            Self::Tuple(length) => {
                first(Content::Sequence((0..*length).map(|at| Node::hole(&at.to_string())).collect()))
            }
            Self::Map => {
                let entry = Entry { key: Node::hole("key"), value: Node::hole(label) };
                [vec![entry], vec![]].into_iter().nth(index).map(Content::Object)
            }
            Self::Struct(fields) | Self::Adjacent(fields) => {
                first(Content::Object(fields.iter().map(|name| Entry::hole(name)).collect()))
            }
            Self::Entries => first(Content::Object(Vec::new())),
            Self::Enum(variants) => variants
                .get(index)
                .map(|name| Content::Variant((*name).to_owned(), Box::new(Node::hole(name)))),
            Self::Identifier | Self::Item => first(Content::Text(format!("the {label}"))),
            Self::Tag(variants) => variants.get(index).cloned().map(Content::Text),
            Self::Raw => first(Content::Bool(true)),
            Self::Any => match index {
                0 => Some(Content::Text(format!("the {label}"))),
                _ if index < ANYTHING => Self::Text.candidate(index, label),
                _ => [
                    Content::Number(u64::MAX.into()),
                    Content::Bool(true),
                    Content::Number(Number::from_f64(1e300)?),
                    Content::Object(Vec::new()),
                    Content::Sequence(vec![*hole()]),
                    Content::Sequence(Vec::new()),
                    Content::Null,
                ]
                .into_iter()
                .nth(index - ANYTHING),
            },
        }
    }

    /// The candidates that are worth a payload of their own, besides the one that a draft has.
    pub(super) fn alternatives(&self) -> Vec<usize> {
        match self {
            Self::Bool | Self::Option | Self::Sequence | Self::Map | Self::Text | Self::Float(_) => {
                vec![0, 1]
            }
            // Zero as well, for a type that becomes a non-zero one.
            Self::Integer(min, _) => {
                if *min < 0 {
                    vec![0, 1, 2]
                } else {
                    vec![0, 1]
                }
            }
            Self::Enum(variants) => (0..variants.len()).collect(),
            Self::Tag(variants) => (0..variants.len()).collect(),
            // Of each kind that an untagged enum may tell apart.
            Self::Any => vec![0, ANYTHING, ANYTHING + 1, ANYTHING + 4],
            _ => Vec::new(),
        }
    }

    /// The candidate least likely to be refused together with others.
    pub(super) fn calm(&self) -> Option<usize> {
        match self {
            Self::Integer(min, _) => Some(if *min < 0 { 3 } else { 2 }),
            Self::Float(_) => Some(1),
            _ => None,
        }
    }

    /// Whether it can be answered by nothing at all beneath it, or by something else beneath it.
    pub(super) fn has_a_way_around(&self) -> bool {
        matches!(self, Self::Option | Self::Sequence | Self::Map | Self::Enum(_) | Self::Tag(_))
    }

    /// Whether a missing payload for one of the alternatives is worth telling.
    pub(super) fn is_choice(&self) -> bool {
        matches!(self, Self::Enum(_) | Self::Tag(_))
    }
}

fn integer(min: i64, max: u64, index: usize) -> Option<Number> {
    let fitting = NUMBERS.into_iter().filter(|number| *number <= max).map(Number::from);
    let least = (min < 0).then(|| Number::from(min));
    [Number::from(max)].into_iter().chain(least).chain([Number::from(0)]).chain(fitting).nth(index)
}
