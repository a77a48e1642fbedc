//! Each kind of change, between what was written and what is read today.

use mosquito::serde_json::{Value, json};

use crate::file::Payloads;

/// An order as it is written today, with some members changed, and some removed where they are null.
fn order(changes: Value) -> String {
    let mut order = json!({
        "id": 7, "signed": 7, "ratio": 0.5, "recipient": "Ada", "count": 7, "place": "Shop", "lines": [],
        "at": "2026-01-02T03:04:05Z", "note": "", "labels": {}
    });
    let members = order.as_object_mut().expect("an order is an object");
    for (name, value) in changes.as_object().expect("changes are an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    order.to_string()
}

fn check(job: &str, version: u32, args: &str) -> Result<(), String> {
    Payloads::of_today().and(job, version, args).check()
}

#[track_caller]
fn is_told(args: &str, parts: &[&str]) {
    let told = check("order", 1, args).expect_err("it is told");

    let ways = [
        "#[serde(default)]",
        "#[serde(alias = \"old_name\")]",
        "#[job(version = 2)]` on `order`",
        "delete the line",
    ];
    for part in parts.iter().chain(&["job `order`\n  version 1, payloads.json:"]).chain(&[args]).chain(&ways)
    {
        assert!(told.contains(part), "{part} is in {told}");
    }
}

#[track_caller]
fn passes(args: &str) {
    assert_eq!(check("order", 1, args), Ok(()));
}

#[test]
fn a_field_without_a_default_that_was_not_written_is_told() {
    is_told(&order(json!({"count": null})), &["missing field `count`"]);
}

#[test]
fn a_renamed_field_is_told() {
    is_told(&order(json!({"recipient": null, "receiver": "Ada"})), &["missing field `recipient`"]);
}

#[test]
fn a_narrowed_number_is_told() {
    is_told(&order(json!({"id": u64::MAX})), &["at `id`: invalid value", "expected u32"]);
}

#[test]
fn a_number_that_lost_its_sign_is_told() {
    is_told(&order(json!({"signed": i64::MIN})), &["at `signed`: invalid value", "expected u64"]);
}

#[test]
fn a_number_that_loses_digits_is_told() {
    is_told(&order(json!({"ratio": u64::MAX})), &["at `ratio`: 18446744073709551615 is read as"]);
}

#[test]
fn a_text_that_became_a_number_is_told() {
    is_told(&order(json!({"count": "many"})), &["at `count`: invalid type: string", "expected i64"]);
}

#[test]
fn a_removed_variant_is_told() {
    is_told(&order(json!({"place": "Office"})), &["at `place", "unknown variant `Office`"]);
    is_told(
        &order(json!({"lines": [{"kind": "Gift", "to": "Ada"}]})),
        &["at `lines[0].kind`", "unknown variant `Gift`"],
    );
}

#[test]
fn a_variant_with_other_content_is_told() {
    is_told(&order(json!({"place": {"Home": {}}})), &["at `place.Home`: missing field `street`"]);
    is_told(&order(json!({"place": {"Locker": 70_000}})), &["at `place.Locker`", "expected u16"]);
}

#[test]
fn a_value_that_may_no_longer_be_absent_is_told() {
    let absent = order(json!({})).replace(r#""count":7"#, r#""count":null"#);

    is_told(&absent, &["at `count`: invalid type: null"]);
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let payloads = Payloads::of_today()
        .and("order", 1, &order(json!({"count": null})))
        .and("order", 1, &order(json!({"id": "x"})))
        .and("moved", 1, "{}");

    let told = payloads.check().unwrap_err();

    for part in ["missing field `count`", "at `id`", "job `moved`\n", "`#[job(version = 2)]` on `moved`"] {
        assert!(told.contains(part), "{part} is in {told}");
    }
}

#[test]
fn compatible_changes_pass() {
    passes(&order(json!({"note": null, "labels": null})));
    passes(&order(json!({"at": null})));
    passes(&order(json!({"recipient": null, "to": "Ada"})));
    passes(&order(json!({"removed": {"since": [1, 2, 3]}})));
    passes(&order(json!({"id": 255, "count": i32::MIN})));
    passes(&order(json!({"ratio": 4_294_967_295_u32})));
    passes(&order(json!({"at": "2026-01-02T04:04:05+01:00"})));
}

#[test]
fn a_renamed_job_is_told_unless_its_old_name_is_an_alias() {
    assert_eq!(check("moved_before", 1, r#"{"id":1}"#), Ok(()));

    let told = check("moved_long_ago", 1, r#"{"id":1}"#).unwrap_err();

    for part in [
        "job `moved_long_ago`\n  payloads.json:",
        "#[job(aliases(\"moved_long_ago\"))]",
        "delete its entry `\"moved_long_ago\": [..]` from payloads.json",
        "mosquito::link!",
    ] {
        assert!(told.contains(part), "{part} is in {told}");
    }
}

#[test]
fn what_an_alias_cannot_read_is_told_with_the_job_of_today() {
    let told = check("moved_before", 1, "{}").unwrap_err();

    assert!(told.contains("job `moved`\n") && told.contains("missing field `id`"), "{told}");
}

#[test]
fn an_earlier_version_is_read_by_the_upgrade() {
    assert_eq!(check("upgraded", 1, r#"{"name":"Ada Lovelace"}"#), Ok(()));

    let told = check("upgraded", 1, r#"{"name":"Ada"}"#).unwrap_err();
    assert!(told.contains("version 1, payloads.json:"), "{told}");
    assert!(told.contains("the upgrade from version 1 says: the name has no space"), "{told}");
    assert!(told.contains("#[job(version = 4)]"), "{told}");

    let told = check("upgraded", 2, "{}").unwrap_err();
    assert!(told.contains("the upgrade from version 2 says: nobody knows what it meant"), "{told}");
}

#[test]
fn an_upgrade_may_discard_what_it_is_given() {
    assert_eq!(check("discarding", 1, "[]"), Ok(()));
}

#[test]
fn a_version_that_went_back_is_told() {
    let told = check("moved", 2, r#"{"id":1}"#).unwrap_err();

    assert!(told.contains("written under version 2, and the job is at version 1"), "{told}");
}
