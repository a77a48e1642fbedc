//! Notices values that were read without complaint, and yet became others.
//!
//! Only what cannot be meant is told. A field that is gone may have been removed, a text that is written
//! differently may be the same date, and a number that became a text is still there. But a number
//! that became another number, or a value in whose place there is nothing, was lost.

use serde_json::{Number, Value};

/// What was lost between a payload and the same one as it is written today, with the path to each.
pub(super) fn lost(kept: &Value, written: &Value) -> Vec<String> {
    let mut losses = Vec::new();
    compare(kept, written, String::new(), &mut losses);
    losses
}

fn compare(kept: &Value, written: &Value, path: String, losses: &mut Vec<String>) {
    let is_lost = match (kept, written) {
        (Value::Object(kept), Value::Object(written)) => {
            for (name, value) in kept {
                if let Some(other) = written.get(name) {
                    compare(value, other, format!("{path}.{name}"), losses);
                }
            }
            false
        }
        (Value::Array(kept), Value::Array(written)) => {
            for (at, value) in kept.iter().enumerate() {
                // A set is written in any order.
                if written.iter().any(|other| lost(value, other).is_empty()) {
                    continue;
                }
                let path = format!("{path}[{at}]");
                match written.get(at) {
                    Some(other) => compare(value, other, path, losses),
                    None => losses.push(told(&path, value, "nothing")),
                }
            }
            false
        }
        (Value::Number(kept), Value::Number(written)) => !are_equal(kept, written),
        (Value::Bool(kept), Value::Bool(written)) => kept != written,
        // Nothing may well stand for nothing of another kind.
        (Value::Null, _) => false,
        (Value::String(text), Value::Null) => !text.is_empty(),
        (Value::Array(values), Value::Null) => !values.is_empty(),
        (Value::Object(fields), Value::Null) => !fields.is_empty(),
        (_, Value::Null) => true,
        _ => false,
    };
    if is_lost {
        losses.push(told(&path, kept, &written.to_string()));
    }
}

fn told(path: &str, kept: &Value, written: &str) -> String {
    let place = match path.trim_start_matches('.') {
        "" => String::new(),
        path => format!("at `{path}`: "),
    };
    format!("{place}{kept} is read as {written}")
}

fn are_equal(one: &Number, other: &Number) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => {
            let (one, other) = (one.as_f64().unwrap_or_default(), other.as_f64().unwrap_or_default());
            // Reading a decimal may be off by the last bit.
            (one - other).abs() <= one.abs() * 4.0 * f64::EPSILON
        }
        _ => false,
    }
}

/// A number without a fraction, exactly; also when it is written as a floating one.
fn whole(number: &Number) -> Option<i128> {
    let float = || {
        let value = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and is within the range")]
        (value.fract() == 0.0 && value.abs() < 1e30).then_some(value as i128)
    };
    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from)).or_else(float)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lost;

    #[test]
    fn what_can_be_meant_is_not_told() {
        for (kept, written) in [
            (json!({"a": 1, "gone": 2}), json!({"a": 1, "new": 0})),
            (json!({"at": "2026-01-02T00:00:00Z"}), json!({"at": "2026-01-02T00:00:00+00:00"})),
            (json!({"id": 7}), json!({"id": "7"})),
            (json!({"n": 4_294_967_295_u64}), json!({"n": 4_294_967_295.0})),
            (json!({"set": [1, 2]}), json!({"set": [2, 1]})),
            (json!({"none": null, "empty": "", "list": []}), json!({"none": 0, "empty": null, "list": null})),
            (json!({"x": 0.1}), json!({"x": 0.1 + f64::EPSILON / 32.0})),
        ] {
            assert_eq!(lost(&kept, &written), [""; 0], "{kept} and {written}");
        }
    }

    #[test]
    fn a_lost_value_is_told_with_its_path() {
        for (kept, written, told) in [
            (
                json!({"n": u64::MAX}),
                json!({"n": 1.8446744073709552e19}),
                "at `n`: 18446744073709551615 is read",
            ),
            (
                json!({"a": [{"n": 1e300}]}),
                json!({"a": [{"n": null}]}),
                "at `a[0].n`: 1e+300 is read as null",
            ),
            (json!({"n": [1, 2]}), json!({"n": [1]}), "at `n[1]`: 2 is read as nothing"),
            (json!(true), json!(false), "true is read as false"),
            (json!({"text": "a"}), json!({"text": null}), "at `text`: \"a\" is read as null"),
        ] {
            let losses = lost(&kept, &written);

            assert!(losses.len() == 1 && losses[0].starts_with(told), "{losses:?}");
        }
    }
}
