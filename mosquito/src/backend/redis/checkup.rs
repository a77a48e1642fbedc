//! Looks at a server's settings, its clock, and how far away it is. Of a cluster, at one of its servers.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::redis::RedisError;

use super::{Redis, permission};
use crate::backend::{Checkup, Warning};
use crate::error::Result;

/// How often the way there and back is measured.
const MEASURED: usize = 5;

/// Above this a call is told to be slow.
const FAR: Duration = Duration::from_millis(5);

/// Above this two clocks are told to differ.
const ASKEW: Duration = Duration::from_secs(1);

impl Redis {
    pub(super) async fn look_around(&self) -> Result<Checkup> {
        let mut found = Checkup::default();
        self.look_at_settings(&mut found).await?;
        self.look_at_the_log(&mut found).await?;
        self.look_at_the_clock(&mut found).await?;
        Ok(found)
    }

    async fn look_at_settings(&self, found: &mut Checkup) -> Result<()> {
        let asked = ::redis::cmd("INFO").arg("memory").query_async(&mut self.commands_anywhere()).await;
        let Some(info) = self.told::<String>(asked, "maxmemory-policy", found)? else { return Ok(()) };
        match field(&info, "maxmemory_policy:") {
            Some("noeviction") => (),
            Some(policy) => found.warnings.push(Warning::MayEvict { policy: policy.into() }),
            None => found.unchecked.push("maxmemory-policy: the server does not tell".into()),
        }
        Ok(())
    }

    async fn look_at_the_log(&self, found: &mut Checkup) -> Result<()> {
        let asked = ::redis::cmd("INFO").arg("persistence").query_async(&mut self.commands_anywhere()).await;
        let Some(info) = self.told::<String>(asked, "appendonly", found)? else { return Ok(()) };
        match field(&info, "aof_enabled:") {
            Some("1") => (),
            Some(_) => {
                found.warnings.push(Warning::NoLog);
                return Ok(());
            }
            None => found.unchecked.push("appendonly: the server does not tell".into()),
        }
        let mut asked = ::redis::cmd("CONFIG");
        asked.arg("GET").arg("appendfsync");
        let asked = asked.query_async(&mut self.commands_anywhere()).await;
        if let Some(setting) = self.told::<Vec<String>>(asked, "appendfsync", found)? {
            match setting.get(1).map(String::as_str) {
                Some("no") => found.warnings.push(Warning::LogNotSynced),
                Some(_) => (),
                None => found.unchecked.push("appendfsync: the server does not tell".into()),
            }
        }
        Ok(())
    }

    async fn look_at_the_clock(&self, found: &mut Checkup) -> Result<()> {
        let mut looks = Vec::with_capacity(MEASURED);
        for _ in 0..MEASURED {
            let (asked_at, clock) = (Instant::now(), SystemTime::now());
            let asked = ::redis::cmd("TIME").query_async(&mut self.commands_anywhere()).await;
            let Some((seconds, micros)) = self.told::<(u64, u32)>(asked, "the clock", found)? else {
                return Ok(());
            };
            let server = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros.into());
            looks.push(Look { took: asked_at.elapsed(), clock, server });
        }
        looks.sort_by_key(|look| look.took);
        let median = looks[MEASURED / 2].took;
        found.round_trip = Some(median);
        if median > FAR {
            found.warnings.push(Warning::FarAway { round_trip: median });
        }
        // The quickest answer says best when it was given. On a clock of one's own, the server's decides nothing.
        let skew = looks[0].skew().filter(|_| self.clock.is_none());
        found.warnings.extend(skew);
        Ok(())
    }

    /// An answer, or a note that there is none: a server may not tell everybody how it is set.
    fn told<T>(&self, answer: Result<T, RedisError>, what: &str, found: &mut Checkup) -> Result<Option<T>> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_io_error() => Err(self.connections.explain(error)),
            Err(error) => {
                let why = permission::refusal(&error).unwrap_or_else(|| error.to_string());
                found.unchecked.push(format!("{what}: {why}"));
                Ok(None)
            }
        }
    }
}

struct Look {
    took: Duration,
    clock: SystemTime,
    server: SystemTime,
}

impl Look {
    /// The server looked at its clock at some moment in between.
    fn skew(&self) -> Option<Warning> {
        let (by, server_is_ahead) = match self.server.duration_since(self.clock + self.took) {
            Ok(ahead) => (ahead, true),
            Err(_) => (self.clock.duration_since(self.server).unwrap_or_default(), false),
        };
        (by > ASKEW).then_some(Warning::ClocksDiffer { by, server_is_ahead })
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Look;
    use crate::backend::Warning;

    #[test]
    fn clocks_differ_when_no_moment_of_the_call_explains_it() {
        let (clock, seconds) = (SystemTime::now(), Duration::from_secs);
        let skew = |server| Look { took: seconds(3), clock, server }.skew();

        assert_eq!(skew(clock), None);
        assert_eq!(skew(clock + seconds(3)), None, "it was asked for so long");
        let ahead = Warning::ClocksDiffer { by: seconds(2), server_is_ahead: true };
        assert_eq!(skew(clock + seconds(5)), Some(ahead));
        let behind = Warning::ClocksDiffer { by: seconds(2), server_is_ahead: false };
        assert_eq!(skew(clock - seconds(2)), Some(behind));
    }
}
