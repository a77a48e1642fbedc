//! The keys of the attribute.

use crate::suggest::{listed, nearest};

/// One key of `#[job(..)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Name,
    Aliases,
    Version,
    Queue,
    Retry,
    Timeout,
    Deadline,
    Every,
    Cron,
    Timezone,
    Missed,
    Overlap,
    Args,
    State,
    Blocking,
    Unique,
    RateLimit,
    Concurrency,
    Fair,
    Priority,
    Expires,
    KeepSuccessful,
    KeepDead,
    SyncAck,
    Crate,
}

const COUNT: usize = 25;

impl Key {
    pub(crate) const ALL: [Self; COUNT] = [
        Self::Name,
        Self::Aliases,
        Self::Version,
        Self::Queue,
        Self::Retry,
        Self::Timeout,
        Self::Deadline,
        Self::Every,
        Self::Cron,
        Self::Timezone,
        Self::Missed,
        Self::Overlap,
        Self::Args,
        Self::State,
        Self::Blocking,
        Self::Unique,
        Self::RateLimit,
        Self::Concurrency,
        Self::Fair,
        Self::Priority,
        Self::Expires,
        Self::KeepSuccessful,
        Self::KeepDead,
        Self::SyncAck,
        Self::Crate,
    ];

    /// The key as it is written, and an example of its use.
    fn spelling(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", r#"name = "send_welcome""#),
            Self::Aliases => ("aliases", r#"aliases("old_name", "older_name")"#),
            Self::Version => ("version", "version = 2"),
            Self::Queue => ("queue", r#"queue = "mail""#),
            Self::Retry => ("retry", r#"retry(attempts = 8, backoff = exponential("2s"))"#),
            Self::Timeout => ("timeout", r#"timeout = "30s""#),
            Self::Deadline => ("deadline", r#"deadline = "1h""#),
            Self::Every => ("every", r#"every = "1m""#),
            Self::Cron => ("cron", r#"cron = "0 6 * * MON-FRI""#),
            Self::Timezone => ("timezone", r#"timezone = "Europe/Berlin""#),
            Self::Missed => ("missed", r#"missed = "once""#),
            Self::Overlap => ("overlap", r#"overlap = "skip""#),
            Self::Args => ("args", r#"args = Self { region: "eu".into() }"#),
            Self::State => ("state", "state(Mailer, db::Pool)"),
            Self::Blocking => ("blocking", "blocking"),
            Self::Unique => ("unique", r#"unique(by = [user_id], until = "finish")"#),
            Self::RateLimit => ("rate_limit", r#"rate_limit(limit = 100, per = "1s")"#),
            Self::Concurrency => ("concurrency", "concurrency(limit = 3)"),
            Self::Fair => ("fair", "fair(by = [tenant])"),
            Self::Priority => ("priority", "priority = 5"),
            Self::Expires => ("expires", r#"expires = "1h""#),
            Self::KeepSuccessful => ("keep_successful", r#"keep_successful = "1h""#),
            Self::KeepDead => ("keep_dead", r#"keep_dead = "30d""#),
            Self::SyncAck => ("sync_ack", "sync_ack"),
            Self::Crate => ("crate", r#"crate = "jobs::mosquito""#),
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        self.spelling().0
    }

    pub(crate) fn example(self) -> &'static str {
        self.spelling().1
    }

    /// Whether it does anything yet; what does not is refused.
    pub(crate) fn is_performed(self) -> bool {
        !matches!(self, Self::KeepSuccessful | Self::KeepDead)
    }

    pub(crate) fn names() -> [&'static str; COUNT] {
        Self::ALL.map(Self::name)
    }
}

/// What to say to a key that there is not, and the key that it seems to mean.
pub(crate) fn unknown_key(name: &str) -> (String, Option<Key>) {
    match elsewhere(name) {
        Some(Elsewhere::Key(example)) => {
            let meant = example.split(['(', ' ']).next().and_then(Key::named);
            let refused = meant.is_some_and(|key| !key.is_performed());
            let but = if refused { ", once a version of mosquito performs it" } else { "" };
            (format!("unknown key `{name}`; write `{example}`{but}"), meant)
        }
        Some(Elsewhere::Said(instead)) => (format!("unknown key `{name}`; {instead}"), None),
        None => {
            let performed: Vec<_> =
                Key::ALL.into_iter().filter(|key| key.is_performed()).map(Key::name).collect();
            let keys = format!("the keys of `#[job]` are {}", listed(&performed));
            match nearest(name, Key::names()) {
                Some(meant) => {
                    (format!("unknown key `{name}`, did you mean `{meant}`? {keys}"), Key::named(meant))
                }
                None => (format!("unknown key `{name}`; {keys}"), None),
            }
        }
    }
}

enum Elsewhere {
    /// A key, by an example.
    Key(&'static str),
    /// Something that is no key of the attribute.
    Said(&'static str),
}

/// What a key of another framework, or a key in the wrong place, is here.
fn elsewhere(name: &str) -> Option<Elsewhere> {
    const ENQUEUED: &str =
        "it is said of a single run, when that is enqueued, as in `mosquito.enqueue(job).delay(..)`";
    Some(Elsewhere::Key(match name {
        "attempts" | "retries" | "max_retries" | "max_attempts" | "tries" => "retry(attempts = 8)",
        "backoff" | "retry_delay" | "retry_in" => r#"retry(backoff = exponential("2s"))"#,
        "jitter" => "retry(jitter = 0.2)",
        "schedule" => r#"cron = "0 6 * * MON-FRI"` or `every = "1m""#,
        "interval" | "period" | "repeat" => r#"every = "1m""#,
        "tz" => r#"timezone = "Europe/Berlin""#,
        "alias" => r#"aliases("old_name")"#,
        "states" | "data" | "extension" => "state(Mailer)",
        "max_run_time" | "time_limit" | "max_duration" => r#"timeout = "30s""#,
        "total_timeout" | "retry_until" | "retry_for" | "max_elapsed_time" => r#"deadline = "1h""#,
        "payload" | "arguments" => "args = Self { .. }",
        "migrate" | "schema_version" => "version = 2",
        "spawn_blocking" | "sync" => "blocking",
        "by" | "unique_by" | "unique_id" | "unique_key" | "dedup" | "deduplicate" | "idempotency_key" => {
            "unique(by = [user_id])"
        }
        "unique_for" | "unique_period" => r#"unique(for = "1h")"#,
        "unique_until" | "until" => r#"unique(until = "finish")"#,
        "on_conflict" => r#"unique(on_conflict = "return")"#,
        "debounce" => r#"unique(until = "start", on_conflict = "replace")"#,
        "throttle" | "rate" | "limit" | "per" | "weight" => r#"rate_limit(limit = 100, per = "1s")"#,
        "partitions" | "partition_by" | "partition_key" | "shards" | "shard_by" | "sharding_key" => {
            r#"queue("events", partitions = 8, by = [user_id])"#
        }
        "fairness" | "fair_by" | "round_robin" | "tenant" | "group" => "fair(by = [tenant])",
        "concurrency_limit" | "max_concurrency" | "limits_concurrency" | "singleton" => {
            "concurrency(limit = 3)"
        }
        "ttl" | "expires_in" | "expire" | "expiration" => r#"expires = "1h""#,
        "retention" | "keep_completed" | "remove_on_complete" => r#"keep_successful = "1h""#,
        "remove_on_fail" | "keep_failed" => r#"keep_dead = "30d""#,
        "ack_late" | "acks_late" | "late_ack" => "sync_ack",
        "redact" | "secret" | "sensitive" => {
            return Some(Elsewhere::Said("`#[job(redact)]` stands on the field that is not to be shown"));
        }
        "tags" | "meta" | "metadata" => {
            return Some(Elsewhere::Said(
                "a run has its job's name, its queue and its arguments; make it a field",
            ));
        }
        "delay" | "at" | "run_at" | "scheduled_at" | "start_at" => return Some(Elsewhere::Said(ENQUEUED)),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn every_key_has_its_row_in_the_documentation() {
        let documentation = include_str!("lib.rs");
        let rows: Vec<_> = documentation
            .lines()
            .filter_map(|line| line.strip_prefix("/// | `"))
            .map(|row| row.split(['`', ' ', '(']).next().unwrap())
            .collect();

        assert_eq!(rows, Key::names());
    }
}
