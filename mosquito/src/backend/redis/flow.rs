//! How a flow is told to the scripts, and how a limit stands.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use ::redis::{Script, ScriptInvocation, Value};

use super::Redis;
use super::keys::Key;
use crate::backend::{LimitReport, Used};
use crate::clock::millis;
use crate::error::Result;
use crate::flow::{Flow, FlowKey, LimitName, RateKind, RateLimit, RateState};
use crate::job_run::{NewRun, When};
use crate::name::QueueName;

/// A move of which there are two scripts of one text: for a queue in which no run has a flow, and for any queue. The first one does
/// nothing, and says so, where it is not enough.
pub(super) struct Either<'a> {
    pub(super) plain: &'a Script,
    pub(super) flowing: &'a Script,
    /// The keys of the first one.
    pub(super) keys: &'a [Key],
    /// What stands between these and [`Key::FLOW`] in those of the second one.
    pub(super) more: &'a [Key],
}

impl Redis {
    /// Makes a move as for plain runs, unless it is known that the queue has others; once it is known it stays so.
    pub(super) async fn answer_either(
        &self,
        queue: &QueueName,
        scripts: Either<'_>,
        args: impl Fn(&mut ScriptInvocation<'_>),
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
        let keys = [scripts.keys, scripts.more].concat();
        let mut call = self.call_flowing(scripts.flowing, queue, &keys);
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

/// When a run is due, as the scripts read it: nothing, so many ms from now, or ms since 1970. When it has a flow that follows.
pub(super) fn when_and_how(run: &NewRun) -> String {
    let when = match run.when {
        When::Now => String::new(),
        When::After(delay) => format!("+{}", millis(delay)),
        When::At(time) => format!("@{}", time.timestamp_millis()),
    };
    match &run.flow {
        None => when,
        Some(flow) => format!("{when} {}", how(flow)),
    }
}

/// For how long a run may wait, the rules of its limits, and its flow.
fn how(flow: &Flow) -> String {
    let mut stored = flow.stored();
    let wait = stored.expires.take().map(|wait| wait.to_string());
    let rate = flow.rate.as_ref().map(|rate| rule(&rate.rule));
    let slots = flow.concurrency.as_ref().map(|concurrency| concurrency.rule.limit.to_string());
    let said = [wait, rate, slots].map(|said| said.unwrap_or_else(|| "-".into()));
    let stored = serde_json::to_string(&stored).expect("numbers and text serialize");
    format!("{} {stored}", said.join(" "))
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
    use crate::flow::{Concurrency, ConcurrencyUse, Flow, FlowKey, LimitName, RateLimit, RateUse};

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
    fn a_flow_is_told_with_what_is_no_part_of_it_in_front() {
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

        let told = how(&flow);

        let (front, json) = told.split_at(told.find('{').expect("it ends with JSON"));
        assert_eq!(front, "60000 bucket:5:1000 3 ");
        assert!(!json.contains("expires") && json.contains(r#""slots":["mails/[\"acme\"]"]"#), "{json}");
        assert!(how(&Flow::default()).starts_with("- - - {"));
    }
}
