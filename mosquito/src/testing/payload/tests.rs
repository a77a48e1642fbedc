//! The check on jobs that cannot all stand in one process.

use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::check::{ByHand, Jobs, Verdict};
use crate::job::{Context, Job, JobResult, JobSpec, Perform, Registration};

macro_rules! jobs {
    ($($name:literal $item:item $registration:ident of $type:ident;)*) => {
        $(
            #[derive(Serialize, Deserialize)]
            $item

            impl Job for $type {
                const SPEC: JobSpec = JobSpec::named($name);
            }

            impl Perform for $type {
                async fn perform(&self, _: &Context<Self>) -> JobResult {
                    Ok(())
                }
            }

            static $registration: Registration = Registration::of::<$type>();
        )*
    };
}

jobs! {
    "one_way"
    struct OneWay { #[serde(rename(serialize = "written"))] read: u8 }
    ONE_WAY of OneWay;

    "growing"
    struct Growing { #[serde(serialize_with = "ten_times")] size: u64 }
    GROWING of Growing;

    "untagged"
    struct Untagged { shape: Shape }
    UNTAGGED of Untagged;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn ten_times<S: serde::Serializer>(size: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(size.saturating_mul(10).min(1_000_000))
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Shape {
    Round { radius: u8 },
    Square { side: u8 },
}

fn check(job: &'static Registration, by_hand: &ByHand) -> Verdict {
    Jobs { registered: &[job], by_hand }.check("{}", "payloads.json")
}

#[test]
fn a_job_that_does_not_read_what_it_writes_is_told() {
    let told = check(&ONE_WAY, &vec![]).complaint("payloads.json").unwrap();

    assert!(told.contains("job `one_way`"), "{told}");
    assert!(told.contains("what it writes itself, it reads otherwise: missing field `read`"), "{told}");
    assert!(told.contains(r#"{"written":255}"#), "{told}");
}

#[test]
fn a_job_that_writes_other_numbers_than_it_reads_is_told() {
    let told = check(&GROWING, &vec![]).complaint("payloads.json");

    assert!(told.is_none(), "the largest and the least stay the same");
    let ten = to_raw_value(&serde_json::json!({ "size": 10 })).unwrap();
    let told = check(&GROWING, &vec![("growing", ten)]).complaint("payloads.json").unwrap();
    assert!(told.contains("at `size`: 10 is read as 100"), "{told}");
}

#[test]
fn what_cannot_be_made_up_is_asked_for_and_then_kept() {
    let told = check(&UNTAGGED, &vec![]).complaint("payloads.json").unwrap();

    assert!(told.contains("not all of it can be made up: `shape`: data did not match any variant"), "{told}");
    assert!(told.contains("assert_payload_compatible!(YourJob { .. })"), "{told}");

    let by_hand = vec![("untagged", to_raw_value(&Untagged { shape: Shape::Round { radius: 1 } }).unwrap())];
    let verdict = check(&UNTAGGED, &by_hand);
    assert_eq!(verdict.complaint("payloads.json"), None);
    assert_eq!(verdict.recorded["untagged"], 1);
    assert!(verdict.text.contains(r#"{"version": 1, "args": {"shape":{"radius":1}}}"#), "{}", verdict.text);
    assert!(Untagged::SPEC.aliases.is_empty() && matches!(Shape::Square { side: 1 }, Shape::Square { .. }));
}

#[test]
fn a_long_payload_is_cut_where_it_is_shown() {
    let long = to_raw_value(&serde_json::json!({ "written": "ä".repeat(1_000) })).unwrap();

    let told = check(&ONE_WAY, &vec![("one_way", long)]).complaint("payloads.json").unwrap();

    assert!(told.contains("ä…\n") && told.len() < 3_000, "{told}");
}
