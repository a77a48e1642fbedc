//! What a run remembers of its attempts.
//!
//! Stored as JSON of short members, in the histories of runs that failed and nowhere else: about 120 bytes for each attempt,
//! and what it failed of. Redis adds to it by itself when it takes runs back from the dead (`rescue.lua`).

use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::{self, Timestamp};
use crate::name::OverseerId;

/// How many attempts are remembered: the first, and the last ones.
pub(crate) const REMEMBERED: usize = 10;

/// How many causes of a failure are remembered, and the most characters of each.
const CAUSES: usize = 5;
const CAUSE_LIMIT: usize = 200;

/// One attempt that a run has used up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PastAttempt {
    /// Which one it was, from 1.
    #[serde(rename = "n")]
    pub number: u32,
    /// When it began, by the store's clock.
    #[serde(with = "in_millis")]
    pub at: Timestamp,
    /// Who made it.
    #[serde(rename = "by", with = "as_text")]
    pub overseer: OverseerId,
    /// The version of the job's arguments in that process; nothing where that is not known.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// How it ended.
    #[serde(rename = "how")]
    pub ended: HowEnded,
    /// The error and its sources, the outermost first; at most 5, of at most 200 characters each.
    #[serde(rename = "why", default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
}

/// How an attempt ended that was used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HowEnded {
    /// The job answered an error.
    Failed,
    /// It panicked.
    Panicked,
    /// Its timeout or its deadline was over.
    TimedOut,
    /// The job gave the run up.
    GivenUp,
    /// The arguments, or the whole envelope, could not be read.
    Undecodable,
    /// Its process died.
    Died,
}

impl PastAttempt {
    pub(crate) fn new(
        number: u32,
        at: Timestamp,
        overseer: OverseerId,
        version: Option<u32>,
        ended: HowEnded,
        causes: &[String],
    ) -> Self {
        let causes = causes.iter().take(CAUSES).map(|cause| super::cut(cause, CAUSE_LIMIT)).collect();
        Self { number, at, overseer, version, ended, causes }
    }

    /// One that ended with its process.
    pub(crate) fn died(number: u32, at: Timestamp, overseer: OverseerId) -> Self {
        Self::new(number, at, overseer, None, HowEnded::Died, &[])
    }
}

/// The attempts that this release can read. What another one wrote otherwise, or somebody by hand, must not cost a run
/// the rest of its history.
pub(super) fn readable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PastAttempt>, D::Error> {
    let log = serde_json::Value::deserialize(deserializer)?;
    let serde_json::Value::Array(attempts) = log else { return Ok(Vec::new()) };
    Ok(attempts.into_iter().filter_map(|attempt| serde_json::from_value(attempt).ok()).collect())
}

/// A log as a text of its own; nothing when it is empty.
#[cfg(feature = "sqlite")]
pub(crate) fn log_to_text(log: &[PastAttempt]) -> Option<String> {
    (!log.is_empty()).then(|| serde_json::to_string(log).expect("numbers and text serialize"))
}

/// What such a text says, as far as this release can read it.
#[cfg(feature = "sqlite")]
pub(crate) fn log_of_text(text: &str) -> Vec<PastAttempt> {
    readable(&mut serde_json::Deserializer::from_str(text)).unwrap_or_default()
}

mod in_millis {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Timestamp, clock};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.timestamp_millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Ok(clock::from_millis(i64::deserialize(deserializer)?))
    }
}

mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::OverseerId;

    pub(super) fn serialize<S: Serializer>(overseer: &OverseerId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(overseer.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OverseerId, D::Error> {
        OverseerId::new(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{CAUSE_LIMIT, CAUSES, HowEnded, PastAttempt, REMEMBERED};
    use crate::clock::from_millis;
    use crate::job_run::History;
    use crate::name::OverseerId;

    fn attempt(number: u32) -> PastAttempt {
        let causes = ["no answer".to_owned(), "connection refused".to_owned()];
        let (at, overseer) = (from_millis(1_700_000_000_000), OverseerId::new("ann").unwrap());
        PastAttempt::new(number, at, overseer, Some(2), HowEnded::TimedOut, &causes)
    }

    #[test]
    fn a_history_reads_as_it_was_written() {
        let mut history = History::default().failed("no answer: connection refused");
        history.remember(attempt(1));
        history.remember(PastAttempt::died(2, from_millis(5), OverseerId::new("bob").unwrap()));

        let written = serde_json::to_string(&history).unwrap();

        assert_eq!(
            written,
            concat!(
                r#"{"attempts":1,"error":"no answer: connection refused","log":["#,
                r#"{"n":1,"at":1700000000000,"by":"ann","v":2,"how":"timed_out","why":["no answer","connection refused"]},"#,
                r#"{"n":2,"at":5,"by":"bob","how":"died"}]}"#
            )
        );
        assert_eq!(serde_json::from_str::<History>(&written).unwrap(), history);
    }

    #[test]
    fn a_history_of_an_earlier_release_reads_and_one_that_nobody_understands_costs_only_its_log() {
        let read = |text: &str| serde_json::from_str::<History>(text).unwrap();

        assert_eq!(read(r#"{"attempts":2,"crashes":1,"error":"no"}"#).attempts, 2);
        for log in ["{}", "null", "7", r#"[{"n":1}]"#, r#"[{"n":1,"at":1,"by":"a b","how":"failed"}]"#] {
            let history = read(&format!(r#"{{"attempts":3,"error":"no","log":{log}}}"#));
            assert_eq!((history.attempts, history.error.as_deref()), (3, Some("no")), "{log}");
            assert!(history.log.is_empty(), "{log}");
        }
        let strange =
            r#"[{"n":1,"at":1,"by":"ann","how":"vanished"},{"n":2,"at":1,"by":"ann","how":"failed"}]"#;
        let history = read(&format!(r#"{{"attempts":2,"log":{strange}}}"#));
        assert_eq!(history.log.iter().map(|one| one.number).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn the_first_attempt_and_the_last_ones_are_remembered() {
        let mut history = History::default();
        (1..=25).for_each(|number| history.remember(attempt(number)));

        let numbers: Vec<_> = history.log.iter().map(|attempt| attempt.number).collect();

        assert_eq!(numbers, [1, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
        assert_eq!(numbers.len(), REMEMBERED);
    }

    #[test]
    fn a_long_chain_of_long_errors_is_cut() {
        let causes = vec!["ü".repeat(CAUSE_LIMIT + 1); CAUSES + 1];
        let attempt =
            PastAttempt::new(1, from_millis(0), OverseerId::random(), None, HowEnded::Failed, &causes);

        assert_eq!(attempt.causes.len(), CAUSES);
        assert_eq!(attempt.causes[0].chars().count(), CAUSE_LIMIT + 1, "the limit and an ellipsis");
    }
}
