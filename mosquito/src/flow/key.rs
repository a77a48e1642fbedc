//! What makes two runs the same to a limit: the values of some of their fields.

use std::collections::BTreeMap;
use std::fmt;
use std::iter;
use std::str::FromStr;

use serde::Serialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The longest key that is kept as it reads; a longer one is kept as its hash.
const READABLE: usize = 64;

/// How many bytes of a hash are kept.
const HASHED: usize = 16;

/// Names the runs that share something, by the values of some of their fields.
///
/// It is made from the values as JSON, with the members of objects in order, so that no two lists of values make one key
/// by being joined. A short one stays readable, for those who look into a store; a long one, or one that must not be
/// read, is a hash (SHA-256, its first 16 bytes) behind a `#`, with which no readable one begins.
///
/// ```
/// use mosquito::FlowKey;
///
/// assert_eq!(FlowKey::readable(&("acme", 7)).unwrap().as_str(), r#"["acme",7]"#);
/// assert_ne!(FlowKey::hashed(&("a", "bc")).unwrap(), FlowKey::hashed(&("ab", "c")).unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey(String);

impl FlowKey {
    /// The key of all runs: nothing tells one from another.
    #[must_use]
    pub fn all() -> Self {
        Self("[]".into())
    }

    /// A key that can be read, if it is short.
    ///
    /// # Errors
    ///
    /// When a value does not serialize to JSON.
    pub fn readable<T: Serialize>(values: &T) -> serde_json::Result<Self> {
        Ok(Self::of_json(canonical(values)?))
    }

    /// A key that cannot be read, of one length.
    ///
    /// # Errors
    ///
    /// When a value does not serialize to JSON.
    pub fn hashed<T: Serialize>(values: &T) -> serde_json::Result<Self> {
        canonical(values).map(|json| Self::hash(&json))
    }

    fn of_json(json: String) -> Self {
        if is_readable(&json) { Self(json) } else { Self::hash(&json) }
    }

    fn hash(json: &str) -> Self {
        let digest = Sha256::digest(json.as_bytes());
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        let hex = digest.iter().take(HASHED).flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        Self(iter::once('#').chain(hex).collect())
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key is a short list in JSON without spaces, such as [\"acme\",7], or `#` and {} hexadecimal digits", 2 * HASHED)]
pub struct FlowKeyError;

impl FromStr for FlowKey {
    type Err = FlowKeyError;

    /// Reads a key as it is stored.
    fn from_str(text: &str) -> Result<Self, FlowKeyError> {
        let is_hash = text.strip_prefix('#').is_some_and(|hex| {
            hex.len() == 2 * HASHED && hex.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        });
        if is_hash || is_readable(text) { Ok(Self(text.into())) } else { Err(FlowKeyError) }
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that is made value by value: the same as that of a tuple of them.
///
/// ```
/// use mosquito::{FlowKey, KeyParts};
///
/// let key = KeyParts::new().and("acme").and(&7).key()?;
/// assert_eq!(key, FlowKey::readable(&("acme", 7))?);
/// # Ok::<(), mosquito::serde_json::Error>(())
/// ```
#[derive(Debug)]
pub struct KeyParts {
    /// A list that is not closed yet.
    json: serde_json::Result<String>,
    hidden: bool,
}

impl KeyParts {
    /// Of no value yet, which is the key of all runs.
    #[must_use]
    pub fn new() -> Self {
        Self { json: Ok("[".into()), hidden: false }
    }

    /// Also of this value.
    #[must_use]
    pub fn and<T: KeyPart + ?Sized>(mut self, value: &T) -> Self {
        if let Ok(json) = &mut self.json {
            match canonical(value) {
                Ok(part) => {
                    if json.len() > 1 {
                        json.push(',');
                    }
                    json.push_str(&part);
                }
                Err(error) => self.json = Err(error),
            }
        }
        self
    }

    /// Not to be read.
    #[must_use]
    pub fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// The key.
    ///
    /// # Errors
    ///
    /// When a value did not serialize to JSON.
    pub fn key(self) -> serde_json::Result<FlowKey> {
        let json = self.json? + "]";
        Ok(if self.hidden { FlowKey::hash(&json) } else { FlowKey::of_json(json) })
    }
}

impl Default for KeyParts {
    fn default() -> Self {
        Self::new()
    }
}

/// A value that runs are told apart by: serde's trait with better words where it is missing.
#[diagnostic::on_unimplemented(
    message = "runs cannot be told apart by a `{Self}`",
    label = "a field of the type `{Self}`, which does not serialize",
    note = "keys are made of the fields' values as JSON: derive serde's `Serialize` for `{Self}`, or name other fields"
)]
pub trait KeyPart: Serialize {}

// Otherwise only `Serialize` would be told to be missing.
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyPart for T {}

/// Whether a key is kept as it reads. A slash parts keys from each other where they are stored.
fn is_readable(json: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_graphic() && c != '/';
    json.len() <= READABLE && json.starts_with('[') && json.ends_with(']') && json.chars().all(is_plain)
}

/// JSON of which the members of objects stand in the order of their names, whatever the order in which they were written.
/// That of a list is the list of those of its parts.
fn canonical<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    // Without an object there is nothing to sort. A brace may stand in a text, which does no harm.
    if json.contains('{') { sorted(&json) } else { Ok(json) }
}

/// Sorts text, not values: so numbers keep all their digits.
fn sorted(json: &str) -> serde_json::Result<String> {
    match json.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json)?;
            let members = members.into_iter().map(|(name, value)| -> serde_json::Result<String> {
                Ok(format!("{}:{}", serde_json::to_string(&name)?, sorted(value.get())?))
            });
            Ok(format!("{{{}}}", members.collect::<serde_json::Result<Vec<_>>>()?.join(",")))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json)?;
            let items = items.into_iter().map(|item| sorted(item.get()));
            Ok(format!("[{}]", items.collect::<serde_json::Result<Vec<_>>>()?.join(",")))
        }
        _ => Ok(json.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{FlowKey, KeyParts};

    #[test]
    fn no_two_lists_of_values_make_one_key() {
        let keys = [
            FlowKey::readable(&("a", "bc")),
            FlowKey::readable(&("ab", "c")),
            FlowKey::readable(&["a,b", "c"]),
            FlowKey::readable(&("1", 2)),
            FlowKey::readable(&(1, "2")),
            FlowKey::readable(&("",)),
            FlowKey::readable::<[u8; 0]>(&[]),
        ]
        .map(Result::unwrap);

        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
        assert_eq!(keys[6], FlowKey::all());
    }

    #[test]
    fn the_order_in_which_a_map_is_written_does_not_matter() {
        let one = HashMap::from([("b", 1), ("a", 2), ("c", 3)]);
        let other: HashMap<_, _> = [("c", 3), ("a", 2), ("b", 1)].into();

        assert_eq!(FlowKey::readable(&(one,)).unwrap(), FlowKey::readable(&(other,)).unwrap());
    }

    #[test]
    fn what_is_long_or_would_be_taken_for_more_is_a_hash() {
        for odd in ["a/b".to_owned(), "x".repeat(80), "ü".into(), "a b".into()] {
            let key = FlowKey::readable(&(&odd,)).unwrap();
            assert!(key.as_str().starts_with('#') && key.as_str().len() == 33, "{odd}: {key}");
        }
    }

    #[test]
    fn a_key_made_value_by_value_is_that_of_the_tuple() {
        let map = HashMap::from([("b", 0.1_f32), ("a", 2.5)]);
        let parts = KeyParts::new().and("{").and(&0.1_f32).and(&map).key().unwrap();

        assert_eq!(parts, FlowKey::readable(&("{", 0.1_f32, &map)).unwrap());
        assert_eq!(parts.as_str(), r#"["{",0.1,{"a":2.5,"b":0.1}]"#);
        assert_eq!(KeyParts::new().key().unwrap(), FlowKey::all());
        assert_eq!(KeyParts::new().and(&7).hidden().key().unwrap(), FlowKey::hashed(&(7,)).unwrap());
    }

    #[test]
    fn large_numbers_keep_their_digits() {
        let of = |id: u128| FlowKey::readable(&(HashMap::from([("id", id)]), id)).unwrap();

        assert_ne!(of(u128::MAX), of(u128::MAX - 1));
        assert_ne!(of(1 << 100), of((1 << 100) + 1));
    }

    #[test]
    fn a_stored_key_is_read_and_nothing_else() {
        let stored = [FlowKey::all(), FlowKey::readable(&("acme", 7)).unwrap(), FlowKey::hashed(&1).unwrap()];
        for key in stored {
            assert_eq!(key.as_str().parse(), Ok(key.clone()));
        }
        for text in ["", "acme", "[\"a b\"]", "[1", "#", "#12", "[\"a/b\"]", &format!("[{}]", "1".repeat(80))]
        {
            assert!(text.parse::<FlowKey>().is_err(), "{text}");
        }
    }
}
