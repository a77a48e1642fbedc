//! A redacted field is known by the names under which serde stores and reads it.

#![deny(warnings)]

use mosquito::{Context, Job, JobResult, Perform, job};

macro_rules! performed {
    ($($job:ty)*) => {
        $(impl Perform for $job {
            async fn perform(&self, _: &Context<Self>) -> JobResult {
                Ok(())
            }
        })*
    };
}

#[job]
struct Plain {
    pub order: u64,
    #[job(redact)]
    pub card_number: String,
}

#[job]
#[derive(Debug)]
struct Renamed {
    #[job(redact)]
    #[serde(rename = "pan")]
    card_number: String,
    #[serde(rename(serialize = "out", deserialize = "in"), alias = "older")]
    #[job(redact)]
    both_ways: String,
    /// The framework's name in front is right too.
    #[mosquito::job(redact)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

#[job]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
struct Rule {
    #[job(redact)]
    card_number: String,
    #[job(redact)]
    #[serde(rename = "own")]
    of_its_own: String,
}

#[job]
#[serde(rename_all(serialize = "PascalCase", deserialize = "camelCase"))]
struct TwoRules {
    #[job(redact)]
    card_number: String,
}

#[job]
struct Tuple(u64, #[job(redact)] String, #[serde(skip)] u8, #[job(redact)] String);

#[job]
struct NewType(#[job(redact)] String);

#[job]
#[serde(transparent)]
struct Transparent {
    #[job(redact)]
    card_number: String,
    #[serde(skip)]
    cached: u8,
}

#[job]
struct Conditional {
    #[cfg_attr(any(), serde(rename = "never"))]
    #[job(redact)]
    card_number: String,
    #[job(redact)]
    #[cfg(any())]
    gone: NoSuchType,
}

performed!(Plain Renamed Rule TwoRules Tuple NewType Transparent Conditional);

fn main() {
    assert_eq!(Plain::SPEC.redacted, ["card_number"]);
    assert_eq!(Renamed::SPEC.redacted, ["code", "in", "older", "out", "pan"]);
    assert_eq!(Rule::SPEC.redacted, ["CARD-NUMBER", "own"]);
    assert_eq!(TwoRules::SPEC.redacted, ["CardNumber", "cardNumber"]);
    assert_eq!(Tuple::SPEC.redacted, ["1", "2"]);
    assert_eq!(NewType::SPEC.redacted, ["."]);
    assert_eq!(Transparent::SPEC.redacted, ["."]);
    assert_eq!(Conditional::SPEC.redacted, ["card_number", "gone", "never"]);

    let stored = mosquito::serde_json::to_value(Tuple(1, "a".into(), 2, "b".into())).unwrap();
    assert_eq!(stored, mosquito::serde_json::json!([1, "a", "b"]), "the places are those of what is stored");
    let stored = mosquito::serde_json::to_value(Rule { card_number: "a".into(), of_its_own: "b".into() });
    assert_eq!(stored.unwrap(), mosquito::serde_json::json!({ "CARD-NUMBER": "a", "own": "b" }));
    let job = Transparent { card_number: "a".into(), cached: 1 };
    assert_eq!(mosquito::serde_json::to_value(&job).unwrap(), "a");
}
