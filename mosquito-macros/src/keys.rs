//! The keys of the attribute.

/// One key of `#[job(..)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Name,
    Aliases,
    Queue,
    Retry,
    Timeout,
    Every,
    Cron,
    Timezone,
    Missed,
    Overlap,
    State,
    Blocking,
    Crate,
}

impl Key {
    const ALL: [Self; 13] = [
        Self::Name,
        Self::Aliases,
        Self::Queue,
        Self::Retry,
        Self::Timeout,
        Self::Every,
        Self::Cron,
        Self::Timezone,
        Self::Missed,
        Self::Overlap,
        Self::State,
        Self::Blocking,
        Self::Crate,
    ];

    /// The key as it is written, and an example of its use.
    fn spelling(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", r#"name = "send_welcome""#),
            Self::Aliases => ("aliases", r#"aliases("old_name", "older_name")"#),
            Self::Queue => ("queue", r#"queue = "mail""#),
            Self::Retry => ("retry", r#"retry(attempts = 8, backoff = exponential("2s"))"#),
            Self::Timeout => ("timeout", r#"timeout = "30s""#),
            Self::Every => ("every", r#"every = "1m""#),
            Self::Cron => ("cron", r#"cron = "0 6 * * MON-FRI""#),
            Self::Timezone => ("timezone", r#"timezone = "Europe/Berlin""#),
            Self::Missed => ("missed", r#"missed = "once""#),
            Self::Overlap => ("overlap", r#"overlap = "skip""#),
            Self::State => ("state", "state(Mailer, db::Pool)"),
            Self::Blocking => ("blocking", "blocking"),
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

    pub(crate) fn names() -> [&'static str; 13] {
        Self::ALL.map(Self::name)
    }
}

/// What a key of another framework, or a key in the wrong place, is here.
pub(crate) fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "attempts" | "retries" | "max_retries" | "max_attempts" => "retry(attempts = 8)",
        "backoff" => r#"retry(backoff = exponential("2s"))"#,
        "jitter" => "retry(jitter = 0.2)",
        "schedule" => r#"cron = "0 6 * * MON-FRI"` or `every = "1m""#,
        "interval" | "period" => r#"every = "1m""#,
        "tz" => r#"timezone = "Europe/Berlin""#,
        "alias" => r#"aliases("old_name")"#,
        "states" => "state(Mailer)",
        _ => return None,
    })
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
