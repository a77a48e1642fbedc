//! What makes two runs the same to a limit: the values of some of their fields.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::name::NameError;

/// The longest key that is kept as it reads; a longer one is kept as its hash.
const READABLE: usize = 64;

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
        let json = canonical(values)?;
        // A slash parts keys from each other where they are stored.
        let is_plain = |c: char| c.is_ascii_graphic() && c != '/';
        let reads = json.len() <= READABLE && json.starts_with('[') && json.chars().all(is_plain);
        Ok(if reads { Self(json) } else { Self::hash(&json) })
    }

    /// A key that cannot be read, of one length.
    ///
    /// # Errors
    ///
    /// When a value does not serialize to JSON.
    pub fn hashed<T: Serialize>(values: &T) -> serde_json::Result<Self> {
        canonical(values).map(|json| Self::hash(&json))
    }

    fn hash(json: &str) -> Self {
        let digest = Sha256::digest(json.as_bytes());
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self(format!("#{hex}"))
    }

    /// The key as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FlowKey {
    type Err = NameError;

    /// Reads a key as it is stored.
    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(Self(text.into()))
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON of which the members of objects stand in the order of their names, whatever the order in which they were written.
fn canonical<T: Serialize>(values: &T) -> serde_json::Result<String> {
    // Its objects are sorted maps, unless a feature of `serde_json` says otherwise somewhere in the build.
    let mut value = serde_json::to_value(values)?;
    value.sort_all_objects();
    serde_json::to_string(&value)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::FlowKey;

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
}
