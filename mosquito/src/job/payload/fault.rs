//! What a type answers that was read from a draft: the error that says how the draft goes on.
//!
//! A serde error is usually a text for people. This one keeps what serde was told, so that a missing field
//! can be added, and a list of variants be tried.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

use super::ask::Ask;

#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// A value was asked for where the draft has none yet.
    Asked(Ask),
    /// The type stands within itself once too often.
    Endless,
    Missing(&'static str),
    Duplicate,
    UnknownField(String),
    UnknownVariant {
        given: Given,
        variants: &'static [&'static str],
    },
    Unexpected {
        given: Given,
        expected: String,
    },
    Refused(String),
}

/// The value that was not what the type wants: a buffered one is known by nothing else.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Nothing,
    Sequence,
    Object,
    Other,
}

impl From<Unexpected<'_>> for Given {
    fn from(value: Unexpected<'_>) -> Self {
        match value {
            Unexpected::Bool(value) => Self::Bool(value),
            Unexpected::Unsigned(value) => Self::Unsigned(value),
            Unexpected::Signed(value) => Self::Signed(value),
            Unexpected::Float(value) => Self::Float(value),
            Unexpected::Str(value) => Self::Text(value.to_owned()),
            Unexpected::Unit | Unexpected::Option => Self::Nothing,
            Unexpected::Seq => Self::Sequence,
            Unexpected::Map => Self::Object,
            _ => Self::Other,
        }
    }
}

impl Error for Fault {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Refused(why.to_string())
    }

    fn invalid_type(given: Unexpected, expected: &dyn Expected) -> Self {
        Self::Unexpected { given: given.into(), expected: expected.to_string() }
    }

    fn invalid_value(given: Unexpected, expected: &dyn Expected) -> Self {
        Self::invalid_type(given, expected)
    }

    fn unknown_variant(given: &str, variants: &'static [&'static str]) -> Self {
        Self::UnknownVariant { given: Given::Text(given.to_owned()), variants }
    }

    fn unknown_field(given: &str, _: &'static [&'static str]) -> Self {
        Self::UnknownField(given.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::Duplicate
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(_) => f.write_str("nothing was found to fill it with"),
            Self::Endless => f.write_str("the type contains itself without end"),
            Self::Missing(field) => write!(f, "missing field `{field}`"),
            Self::Duplicate => f.write_str("a field stands there twice"),
            Self::UnknownField(field) => write!(f, "unknown field `{field}`"),
            Self::UnknownVariant { variants, .. } => write!(f, "no variant of {variants:?} was accepted"),
            Self::Unexpected { expected, .. } => write!(f, "expected {expected}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Fault {}
