//! What types of all kinds give away of themselves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroI64, NonZeroU8};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::sampler::samples;

/// The payloads of a type that can be shown as a whole.
fn payloads<T: Serialize + DeserializeOwned>() -> Vec<String> {
    let samples = samples::<T>();

    assert_eq!(samples.gaps, [""; 0], "nothing is left out");
    samples.payloads.iter().map(|payload| payload.get().to_owned()).collect()
}

/// Why a part of a type cannot be shown.
fn gaps<T: Serialize + DeserializeOwned>() -> Vec<String> {
    samples::<T>().gaps
}

fn has(payloads: &[String], part: &str) {
    assert!(payloads.iter().any(|payload| payload.contains(part)), "{part} is in {payloads:#?}");
}

macro_rules! types {
    ($($item:item)*) => { $(#[derive(Debug, Deserialize, Serialize)] $item)* };
}

#[test]
fn numbers_are_as_large_and_as_small_as_they_get() {
    types! { struct Numbers { a: u64, b: i64, c: u8, d: f64, e: f32, f: i128, g: bool, h: char } }

    let payloads = payloads::<Numbers>();

    assert_eq!(
        payloads[0],
        r#"{"a":18446744073709551615,"b":9223372036854775807,"c":255,"d":1e+300,"e":1e+38,"f":9223372036854775807,"g":true,"h":"漢"}"#
    );
    has(&payloads, r#""a":0,"b":-9223372036854775808,"c":0,"d":0.5,"e":0.5"#);
    has(&payloads, r#""g":false"#);
    assert_eq!(payloads.len(), 3, "values vary together: {payloads:#?}");
}

#[test]
fn a_job_without_fields_has_one_payload() {
    types! {
        struct Unit;
        struct Braces {}
        struct Marked { marker: PhantomData<u8>, #[serde(skip)] _skipped: Vec<u8> }
    }

    assert_eq!(payloads::<Unit>(), ["null"]);
    assert_eq!(payloads::<Braces>(), ["{}"]);
    assert_eq!(payloads::<Marked>(), [r#"{"marker":null}"#]);
}

#[test]
fn what_may_be_absent_is_shown_present_and_absent() {
    types! {
        struct Nested { inner: Inner, list: Vec<Inner>, map: HashMap<u64, Vec<String>>, set: HashSet<u8> }
        struct Inner { maybe: Option<i8>, #[serde(default)] known: String }
    }

    let payloads = payloads::<Nested>();

    let inner = r#"{"maybe":127,"known":"a \"text\" of some length, with ümläuts and 漢字"}"#;
    has(&payloads, &format!(r#"{{"inner":{inner},"list":[{inner}],"map":{{"18446744073709551615":["#));
    for part in
        [r#""maybe":-128"#, r#""maybe":null"#, r#""known":"""#, r#""list":[]"#, r#""map":{}"#, r#""set":[]"#]
    {
        has(&payloads, part);
    }
    assert!(payloads.len() <= 8, "no product of all choices: {payloads:#?}");
}

#[test]
fn every_variant_is_shown_however_it_is_tagged() {
    types! {
        enum Outside { Unit, New(u16), Pair(u8, bool), Named { at: u32 } }
        #[serde(tag = "kind")]
        enum Inside { Unit, New(Content), Named { at: u32, maybe: bool } }
        struct Content { count: u64, name: String, when: DateTime<Utc> }
        #[serde(tag = "t", content = "c")]
        enum Beside { Unit, New(u16), Pair(u8, bool), Named { at: u32 } }
        #[serde(untagged)]
        enum Untagged { Number(u64), Text(String), Flag(bool) }
    }

    let outside = payloads::<Outside>();
    assert_eq!(outside[0], r#""Unit""#);
    for part in [r#"{"New":65535}"#, r#"{"Pair":[255,true]}"#, r#"{"Named":{"at":4294967295}}"#] {
        has(&outside, part);
    }

    let inside = payloads::<Inside>();
    for part in [
        r#"{"kind":"Unit"}"#,
        r#"{"kind":"New","count":18446744073709551615,"name":"the name","when":"2026-01-02T03:04:05.678Z"}"#,
        r#"{"kind":"Named","at":4294967295,"maybe":true}"#,
    ] {
        has(&inside, part);
    }

    let beside = payloads::<Beside>();
    for part in [r#"{"t":"Unit"}"#, r#"{"t":"New","c":65535}"#, r#"{"t":"Named","c":{"at":4294967295}}"#] {
        has(&beside, part);
    }

    let untagged = payloads::<Untagged>();
    for part in [r#""the arguments""#, "18446744073709551615", "true"] {
        has(&untagged, part);
    }
}

#[test]
fn an_enum_of_many_variants_is_shown_wherever_it_stands() {
    macro_rules! variants {
        ($($variant:ident)*) => { types! { #[serde(tag = "kind")] enum Many { $($variant { n: u64, o: Option<String> },)* } } };
    }
    variants!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll Mm Nn);
    types! { struct Both { one: Many, others: Vec<Many> } }

    let payloads = payloads::<Both>();

    has(&payloads, r#""one":{"kind":"Nn","n":18446744073709551615,"o":null}"#);
    has(&payloads, r#""others":[{"kind":"Nn","n":18446744073709551615,"o":null}]"#);
}

#[test]
fn flattened_fields_are_found_by_what_is_missed() {
    types! {
        struct Outer { own: u16, #[serde(flatten)] inner: Inner, #[serde(flatten)] rest: BTreeMap<String, u8> }
        struct Inner { count: i32, list: Vec<String>, deep: Deep }
        struct Deep { flag: bool }
        struct Optional { own: u8, #[serde(flatten)] inner: Sometimes }
        struct Sometimes { a: u8, at: Option<u64>, #[serde(default)] tags: Vec<String> }
        struct Choosing { own: u16, #[serde(flatten)] choice: Choice }
        #[serde(tag = "kind")]
        enum Choice { One { a: u8 }, Other { b: String } }
    }

    has(&payloads::<Choosing>(), r#"{"own":65535,"kind":"One","a":255}"#);
    has(&payloads::<Choosing>(), r#"{"own":65535,"kind":"Other","b":"the b"}"#);
    let optional = payloads::<Optional>();
    has(&optional, r#"{"own":255,"a":255,"at":null,"tags":[]}"#);
    has(&optional, r#"{"own":255,"a":255,"at":18446744073709551615,"tags":["the tags"]}"#);
    let outer = samples::<Outer>();
    let shown: Vec<_> = outer.payloads.iter().map(|payload| payload.get().to_owned()).collect();
    has(&shown, r#""own":65535,"count":"#);
    has(&shown, r#""deep":{"flag":true}"#);
}

#[test]
fn what_is_checked_when_it_is_read_gets_what_it_accepts() {
    #[derive(Debug, Deserialize, Serialize)]
    #[serde(try_from = "u8")]
    struct Percent(u8);
    impl TryFrom<u8> for Percent {
        type Error = &'static str;
        fn try_from(value: u8) -> Result<Self, &'static str> {
            if value > 100 { Err("more than all") } else { Ok(Self(value)) }
        }
    }
    fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        uuid::Uuid::parse_str(&text).map(|id| id.to_string()).map_err(D::Error::custom)
    }
    types! {
        struct Checked {
            at: DateTime<Utc>,
            day: NaiveDate,
            nonzero: NonZeroU8,
            signed: NonZeroI64,
            ip: IpAddr,
            socket: SocketAddr,
            took: Duration,
            #[serde(with = "chrono::serde::ts_seconds")]
            seconds: DateTime<Utc>,
            #[serde(deserialize_with = "id")]
            id: String,
            #[serde(alias = "old", alias = "older")]
            named: u8,
        }
    }

    let payloads = payloads::<(Checked, Vec<Checked>)>();

    has(
        &payloads,
        r#""at":"2026-01-02T03:04:05.678Z","day":"2026-01-02","nonzero":255,"signed":9223372036854775807"#,
    );
    has(&payloads, r#""ip":"192.0.2.1","socket":"192.0.2.1:80","took":{"secs":"#);
    has(&payloads, r#""seconds":0,"id":"00000000-0000-4000-8000-000000000001","named":255}"#);
    let percent = self::payloads::<Percent>();
    assert_eq!(percent, ["0"], "the first that is accepted");
}

#[test]
fn any_json_is_shown_in_its_kinds() {
    types! { struct Open { value: serde_json::Value, raw: Box<RawValue>, map: serde_json::Map<String, serde_json::Value> } }

    let payloads = payloads::<Open>();

    has(&payloads, r#""value":"the value","raw":true"#);
    has(&payloads, r#""value":18446744073709551615"#);
}

#[test]
fn a_type_that_contains_itself_is_shown_in_itself_once() {
    types! {
        struct Tree { name: u8, children: Vec<Tree>, parent: Option<Box<Tree>> }
        enum Sum { Add(Box<Sum>, Box<Sum>), Negative(Box<Sum>), Number(u8) }
        struct List(Vec<List>);
        #[serde(tag = "kind")]
        enum Tagged { Add { left: Box<Tagged>, right: Box<Tagged> }, Number { value: u8 } }
    }

    has(
        &payloads::<Tree>(),
        r#"{"name":255,"children":[{"name":255,"children":[],"parent":null}],"parent":{"#,
    );
    has(&payloads::<Sum>(), r#"{"Number":255}"#);
    has(&payloads::<List>(), "[[]]");
    has(&payloads::<Tagged>(), r#"{"kind":"Number","value":255}"#);
}

#[test]
fn a_type_that_cannot_be_shown_says_where_and_why() {
    #[derive(Debug, Deserialize, Serialize)]
    #[serde(try_from = "String")]
    struct Picky(String);
    impl TryFrom<String> for Picky {
        type Error = &'static str;
        fn try_from(_: String) -> Result<Self, &'static str> {
            Err("not to my taste")
        }
    }
    types! {
        struct Whole { to: Vec<Part>, maybe: Option<Picky> }
        struct Part { taste: Picky }
        struct Needs { taste: Picky }
        struct Endless { again: Box<Endless> }
        struct Round(Box<Round>);
        enum Either { A(Box<Either>), B(Box<Either>) }
    }

    let whole = gaps::<Whole>();
    assert!(whole.iter().any(|gap| gap == "`to[0].taste`: not to my taste"), "{whole:?}");
    assert!(whole.iter().any(|gap| gap == "`maybe`: not to my taste"), "{whole:?}");
    assert_eq!(samples::<Whole>().payloads.len(), 1, "the rest is shown");
    assert!(gaps::<Needs>().contains(&"`taste`: not to my taste".to_owned()), "{:?}", gaps::<Needs>());
    assert!(samples::<Needs>().payloads.is_empty());
    for endless in [gaps::<Endless>(), gaps::<Round>(), gaps::<Either>()] {
        assert!(endless[0].contains("contains itself without end"), "{endless:?}");
    }
}

#[test]
fn a_broken_type_neither_hangs_nor_overflows() {
    struct Greedy;
    impl<'de> Deserialize<'de> for Greedy {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Vec::<Greedy>::deserialize(deserializer).and_then(|list| match list.len() {
                0 => Err(D::Error::custom("never empty")),
                _ => Ok(Self),
            })
        }
    }
    impl Serialize for Greedy {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit()
        }
    }
    struct Panicking;
    impl<'de> Deserialize<'de> for Panicking {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let number = u8::deserialize(deserializer)?;
            assert!(number < 50, "{number} is too much");
            Ok(Self)
        }
    }
    impl Serialize for Panicking {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u8(7)
        }
    }
    types! {
        struct Wide { a: Next, b: Next, c: Next, d: Next, e: Next, f: Next, g: Next, h: Next, i: Next, j: Next }
        struct Next { a: More, b: More, c: More, d: More, e: More, f: More, g: More, h: More, i: More, j: More }
        struct More { a: [Option<Box<Wide>>; 10] }
    }

    assert!(samples::<Greedy>().payloads.is_empty());
    assert!(gaps::<Wide>()[0].contains("too large"), "{:?}", gaps::<Wide>());
    assert_eq!(payloads::<Panicking>(), ["7"]);
}

#[test]
fn what_is_made_up_at_each_reading_is_not_part_of_a_payload() {
    fn another() -> String {
        uuid::Uuid::now_v7().to_string()
    }
    types! { struct Stamped { name: u8, #[serde(skip_deserializing, default = "another")] id: String } }

    assert_eq!(payloads::<Stamped>(), [r#"{"name":255}"#, r#"{"name":0}"#]);
}

#[test]
fn keys_of_maps_are_made_as_their_types_read_them() {
    types! {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        enum Key { One, Two }
        struct Maps { by_enum: BTreeMap<Key, u8>, by_flag: BTreeMap<bool, u8>, by_day: BTreeMap<NaiveDate, u8> }
        struct Impossible { by_pair: BTreeMap<(u8, u8), u8> }
    }

    let payloads = payloads::<Maps>();

    has(&payloads, r#"{"by_enum":{"One":255},"by_flag":{"true":255},"by_day":{"2026-01-02":255}}"#);
    has(&payloads, r#"{"by_enum":{"Two":0},"by_flag":{"false":0}"#);
    assert!(gaps::<Impossible>()[0].contains("expected a tuple of size 2"), "{:?}", gaps::<Impossible>());
}

#[test]
fn an_enum_that_takes_any_name_still_shows_those_it_knows() {
    types! {
        #[serde(tag = "kind")]
        enum Event { Mail { to: String }, Call { number: u64, at: Option<u8> }, #[serde(other)] Other }
        #[serde(deny_unknown_fields)]
        struct Holder { event: Event }
        #[serde(tag = "kind")]
        enum Partly { Odd { shape: Shape }, Even { a: u8 }, #[serde(other)] Other }
        #[serde(untagged)]
        enum Shape { Round { radius: u8 } }
    }

    let payloads = payloads::<Holder>();

    has(&payloads, r#"{"event":{"kind":"Mail","to":"the to"}}"#);
    has(&payloads, r#"{"event":{"kind":"Call","number":18446744073709551615,"at":255}}"#);
    has(&payloads, r#"{"event":{"kind":"Other"}}"#);
    let partly = samples::<Partly>();
    assert_eq!(partly.payloads[0].get(), r#"{"kind":"Even","a":255}"#);
    assert!(partly.gaps[0].contains("did not match any variant of untagged enum Shape"), "{:?}", partly.gaps);
}

#[test]
fn a_variant_with_content_is_shown_also_where_serde_keeps_it_in_between() {
    types! {
        #[serde(tag = "kind")]
        enum Outer { First { inner: Inner }, Second }
        enum Inner { Unit, New(u8), Named { a: u16 } }
    }

    let payloads = payloads::<Outer>();

    for part in [
        r#"{"kind":"First","inner":"Unit"}"#,
        r#"{"kind":"First","inner":{"New":255}}"#,
        r#"{"kind":"First","inner":{"Named":{"a":65535}}}"#,
        r#"{"kind":"Second"}"#,
    ] {
        has(&payloads, part);
    }
}

#[test]
fn a_type_within_itself_is_varied_once() {
    types! {
        struct Node { a: u8, b: Option<bool>, next: Option<Box<Node>> }
        #[serde(tag = "t", content = "c")]
        enum Beside { List(Vec<Beside>), Two(Box<Beside>, Box<Beside>), Leaf(u8) }
    }

    let nodes = payloads::<Node>();

    has(&nodes, r#"{"a":255,"b":true,"next":{"a":255,"b":true,"next":null}}"#);
    assert!(nodes.len() <= 4, "{nodes:#?}");
    has(&payloads::<Beside>(), r#"{"t":"List","c":[{"t":"#);
    has(&payloads::<Beside>(), r#"{"t":"Leaf","c":255}"#);
}
