//! What is added to the file, and when.

use std::fs;
use std::panic::catch_unwind;

use mosquito::testing::{PayloadCheck, assert_payload_compatible};

use crate::file::Payloads;
use crate::jobs::{Moved, NAMES};

#[test]
fn what_is_new_is_recorded_once_and_passes_from_then_on() {
    let payloads = Payloads::none();

    let told = payloads.record().unwrap_err();

    assert!(told.contains("recorded new payloads in "), "{told}");
    assert!(told.contains("1 of `sweep`") && told.contains("2 of `moved`"), "{told}");
    assert!(told.contains("Check the file in and run the test again"), "{told}");
    for name in NAMES {
        assert!(payloads.text().contains(&format!("  \"{name}\": [\n")), "{name} is in {}", payloads.text());
    }
    let text = payloads.text();
    assert_eq!((payloads.record(), payloads.check()), (Ok(()), Ok(())));
    assert_eq!(payloads.text(), text, "nothing is written when nothing is new");
    assert_eq!(fs::read_dir(payloads.path().parent().unwrap()).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn each_payload_stands_on_a_line_of_its_own() {
    let text = Payloads::of_today().text();

    assert!(
        text.contains(concat!(
            "  \"moved\": [\n",
            "    {\"version\": 1, \"args\": {\"id\":0}},\n",
            "    {\"version\": 1, \"args\": {\"id\":18446744073709551615}}\n",
            "  ],\n"
        )),
        "{text}"
    );
    assert!(text.contains("  \"sweep\": [\n    {\"version\": 1, \"args\": null}\n  ],\n"), "{text}");
    let order = text.lines().filter(|line| line.contains("\"recipient\"")).count();
    assert!((4..=9).contains(&order), "a handful covers it: {text}");
    for part in
        ["\"Shop\"", "{\"Locker\":65535}", "{\"Home\":{\"street\":", "\"kind\":\"Discount\"", "\"code\":null"]
    {
        assert!(text.contains(part), "{part} is in {text}");
    }
}

#[test]
fn what_is_kept_stays() {
    let payloads = Payloads::of_today().and("moved", 1, r#"{ "id": 5,  "gone": true }"#);
    let text = payloads.text().replacen("{\"version\": 1, \"args\": null}", "", 1);
    payloads.write(&text);

    payloads.record().unwrap_err();

    assert!(
        payloads.text().contains(r#"{"version": 1, "args": {"id":5,"gone":true}}"#),
        "{}",
        payloads.text()
    );
    assert!(payloads.text().contains(r#"{"version": 1, "args": null}"#), "{}", payloads.text());
}

#[test]
fn a_file_that_a_formatter_has_changed_is_the_same_file() {
    let payloads = Payloads::of_today();
    let value: mosquito::serde_json::Value = mosquito::serde_json::from_str(&payloads.text()).unwrap();
    payloads.write(&format!("{value:#}"));

    assert_eq!(payloads.check(), Ok(()));
}

#[test]
fn nothing_is_written_where_ci_is_set() {
    let payloads = Payloads::none();

    let told = payloads.check().unwrap_err();

    assert!(told.contains("lacks payloads of today's jobs") && told.contains("`moved`"), "{told}");
    assert!(told.contains("run this test without it, and check the file in"), "{told}");
    assert!(!payloads.path().exists());
}

#[test]
fn nothing_is_written_while_something_is_wrong() {
    let payloads = Payloads::none();
    payloads.write("{\n  \"moved\": [\n    {\"version\": 1, \"args\": {}}\n  ]\n}\n");
    let text = payloads.text();

    let told = payloads.record().unwrap_err();

    assert!(told.contains("version 1, payloads.json:3: missing field `id`"), "{told}");
    assert_eq!(payloads.text(), text);
}

#[test]
fn a_file_that_is_none_is_told_with_its_line() {
    let payloads = Payloads::none();
    payloads.write("{\n<<<<<<< HEAD\n}\n");

    let told = payloads.record().unwrap_err();

    assert!(told.contains("payloads.json:2: ") && told.contains("mend it, or take it back"), "{told}");
    assert!(payloads.text().contains("<<<<<<<"), "it is left alone");
}

#[test]
fn a_job_made_by_hand_is_kept_as_well() {
    let payloads = Payloads::of_today();
    let check = || PayloadCheck::new(payloads.path()).recording(true).job(&Moved { id: 42 });

    let told = check().run().unwrap_err();

    assert!(told.contains("1 of `moved`"), "{told}");
    assert!(payloads.text().contains(r#"{"version": 1, "args": {"id":42}}"#), "{}", payloads.text());
    assert_eq!(check().run(), Ok(()));
    assert_payload_compatible!(file = payloads.path(), Moved { id: 42 });
    assert_payload_compatible!(file = payloads.path());
}

/// Also what keeps payloads the same from one release to the next: users would have to record them anew.
#[test]
fn without_a_file_it_is_the_one_beside_cargo_toml() {
    assert_payload_compatible!();
}

#[test]
fn the_assertion_panics_with_what_is_wrong() {
    let payloads = Payloads::of_today().and("moved", 1, "{}");
    let file = payloads.path();

    let panic = catch_unwind(|| assert_payload_compatible!(file = file)).unwrap_err();

    let told = panic.downcast::<String>().unwrap();
    assert!(told.contains("missing field `id`"), "{told}");
}
