//! How a flow is told to the scripts, and how a limit stands.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use ::redis::{Cmd, Script, Value};
use serde::Serialize;

use super::Redis;
use super::call::Call;
use super::keys::Key;
use crate::backend::{LimitReport, Used};
use crate::clock::millis;
use crate::error::Result;
use crate::flow::{
    ConcurrencyUse, Flow, FlowKey, LimitName, RateKind, RateLimit, RateState, RateUse, StoredFlow,
    StoredUntil, WHILE_RUNNING, is_burst,
};
use crate::job_run::{NewRun, When};
use crate::name::QueueName;

/// A move of which there are two scripts of one text: for a queue in which no run has a flow, and for any queue. The first one does
/// nothing, and says so, where it is not enough.
pub(super) struct Either<'a> {
    pub(super) plain: &'a Script,
    pub(super) flowing: &'a Script,
    /// The keys of the first one; the second one has [`Key::FLOW`], too.
    pub(super) keys: &'a [Key],
}

impl Redis {
    /// Makes a move as for plain runs, unless it is known that the queue has others; once it is known it stays so.
    pub(super) async fn answer_either(
        &self,
        queue: &QueueName,
        scripts: Either<'_>,
        args: impl Fn(&mut Call<'_>),
    ) -> Result<Value> {
        if !self.lock_flowing().contains(queue) {
            let mut call = self.call(scripts.plain, queue, scripts.keys);
            args(&mut call);
            let answer: Value = self.answer(queue, &call).await?;
            if answer != Value::BulkString(b"flows".to_vec()) {
                return Ok(answer);
            }
            self.lock_flowing().insert(queue.clone());
        }
        let mut call = self.call_flowing(scripts.flowing, queue, scripts.keys);
        args(&mut call);
        self.answer(queue, &call).await
    }

    fn lock_flowing(&self) -> MutexGuard<'_, HashSet<QueueName>> {
        // It only saves a call.
        self.flowing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn limit_of(
        &self,
        queue: &QueueName,
        name: &LimitName,
        key: &FlowKey,
    ) -> Result<LimitReport> {
        let mut call = self.call(&self.scripts.limit, queue, &[Key::Rules, Key::Rates, Key::Slots]);
        call.arg(name.as_str()).arg(key.as_str());
        let (now, rule, state, slots, taken): (i64, String, String, i64, u32) =
            self.answer(queue, &call).await?;
        let rate = read_rule(&rule).map(|rule| {
            let used = RateState::read(&state).map_or(0, |mut state| state.used(&rule, now));
            Used { used, limit: rule.limit }
        });
        let concurrency = u32::try_from(slots).ok().map(|limit| Used { used: taken, limit });
        Ok(LimitReport { rate, concurrency })
    }
}

/// Tells the script that enqueues of a run; in a call with flows also how it flows.
pub(super) fn tell(call: &mut Cmd, run: &NewRun, with_flows: bool) {
    let body = run.body();
    call.arg(run.id.as_str()).arg(body.strip_prefix('{').unwrap_or(body)).arg(when(run));
    if with_flows {
        call.arg(&flowing(run)[..]);
    }
}

/// What the scripts are told of a run beyond its id and its envelope: when it is due, and how it flows.
pub(super) fn when_and_how(run: &NewRun) -> Vec<String> {
    [vec![when(run)], flowing(run).into()].concat()
}

/// What a plain run is told by is empty.
fn flowing(run: &NewRun) -> [String; 3] {
    run.flow.as_deref().map_or_else(Default::default, how)
}

/// Nothing for now, so many ms from now, or ms since 1970.
fn when(run: &NewRun) -> String {
    match run.when {
        When::Now => String::new(),
        When::After(delay) => format!("+{}", millis(delay)),
        When::At(time) => format!("@{}", time.timestamp_millis()),
    }
}

/// What a run may have in common with all others of its job, with those of its lane, and what is its own: as `scripts/flow.lua` reads it.
fn how(flow: &Flow) -> [String; 3] {
    let StoredFlow { lane, weight, rate, slots, unique, expires } = flow.stored();
    let or_none = |number: Option<i64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let counts_as = rate.as_ref().map(|rate| rate.weight).filter(|weight| *weight != 1).map(i64::from);
    let lasts = unique.as_ref().and_then(|unique| unique.lasts);
    let mut words = [expires, lasts, counts_as].map(or_none).join(" ");
    if let Some(RateUse { name, rule, .. }) = &flow.rate {
        words += &format!(" rate/{name}={}", self::rule(rule));
    }
    if let Some(ConcurrencyUse { name, rule, .. }) = &flow.concurrency {
        words += &format!(" concurrency/{name}={}", rule.limit);
    }
    if flow.waits_for_the_one_before().is_some() {
        words += &format!(" concurrency/{WHILE_RUNNING}=1");
    }
    let shared = Shared {
        weight,
        rate: rate.map(|rate| rate.key),
        slots,
        replace: unique.as_ref().is_some_and(|unique| unique.replace),
        unique: unique.as_ref().map(|unique| unique.until),
    };
    let shared = serde_json::to_string(&shared).expect("numbers and text serialize");
    [words, format!("{lane} {shared}"), unique.map(|unique| unique.key).unwrap_or_default()]
}

/// What runs of one lane have in common, beyond its name. What they share is read once a call.
#[derive(Serialize)]
struct Shared {
    #[serde(skip_serializing_if = "is_burst")]
    weight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slots: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unique: Option<StoredUntil>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replace: bool,
}

/// The words for how the time of a rate limit is counted.
const KINDS: [(RateKind, &str); 3] =
    [(RateKind::Sliding, "sliding"), (RateKind::TokenBucket, "bucket"), (RateKind::Fixed, "fixed")];

fn rule(rule: &RateLimit) -> String {
    let word = KINDS.iter().find(|(kind, _)| *kind == rule.kind).map_or("sliding", |(_, word)| word);
    format!("{word}:{}:{}", rule.limit, millis(rule.per).max(1))
}

/// Nothing when somebody wrote by hand what cannot be read: then it limits nothing.
fn read_rule(text: &str) -> Option<RateLimit> {
    let mut parts = text.split(':');
    let word = parts.next()?;
    let (kind, _) = KINDS.into_iter().find(|(_, known)| *known == word)?;
    let limit = parts.next()?.parse().ok().filter(|limit| *limit > 0)?;
    let per = parts.next()?.parse().ok().filter(|per| *per > 0)?;
    Some(RateLimit { limit, per: std::time::Duration::from_millis(per), kind })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{KINDS, how, read_rule, rule};
    use crate::flow::{
        Concurrency, ConcurrencyUse, Flow, FlowKey, LimitName, OnConflict, RateLimit, RateUse, Unique, Until,
    };

    #[test]
    fn a_rule_reads_as_it_was_written_and_nothing_else_reads() {
        for (kind, _) in KINDS {
            let limit = RateLimit { limit: 7, per: Duration::from_millis(1_500), kind };
            assert_eq!(read_rule(&rule(&limit)), Some(limit));
        }
        for odd in ["", "sliding", "sliding:7", "sliding:0:1", "sliding:1:0", "leaky:1:1", "sliding:x:1"] {
            assert_eq!(read_rule(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_flow_is_told_in_what_its_job_its_lane_and_itself_say() {
        let name = LimitName::new("mails").expect("it is a name");
        let key = FlowKey::readable(&("acme",)).expect("text serializes");
        let (kind, per) = (KINDS[1].0, Duration::from_secs(1));
        let flow = Flow {
            rate: Some(RateUse {
                name: name.clone(),
                key: key.clone(),
                weight: 2,
                rule: RateLimit { limit: 5, per, kind },
            }),
            concurrency: Some(ConcurrencyUse { name, key, rule: Concurrency { limit: 3 } }),
            expires: Some(Duration::from_secs(60)),
            ..Flow::default()
        };

        let [words, shared, own] = how(&flow);

        assert_eq!(words, "60000 - 2 rate/mails=bucket:5:1000 concurrency/mails=3");
        let (lane, json) = shared.split_once(' ').expect("there is a blank");
        assert!(lane.starts_with("5#") && !lane.contains(['/', '=']), "{lane}");
        assert_eq!(json, r#"{"rate":"mails/[\"acme\"]","slots":["mails/[\"acme\"]"]}"#);
        assert_eq!(own, "");
        assert_eq!(how(&Flow::default()), ["- - -", "5 {}", ""]);
    }

    #[test]
    fn a_unique_run_is_told_with_its_key_and_how_that_is_kept() {
        let key = FlowKey::readable(&("digest", 7)).expect("text serializes");
        let told = |unique: Unique| how(&Flow { unique: Some(unique), ..Flow::default() });
        let unique = Unique::by(key.clone()).until(Until::Start).on_conflict(OnConflict::Replace);
        assert_eq!(told(unique), ["- - -", r#"5 {"unique":"start","replace":true}"#, r#"["digest",7]"#]);
        let unique = Unique::by(key).until(Until::For(Duration::from_secs(1)));
        assert_eq!(told(unique), ["- 1000 -", r#"5 {"unique":"for"}"#, r#"["digest",7]"#]);
    }
}
