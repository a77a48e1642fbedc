//! What it costs: the commands that a Redis server performs, and processor time.

use std::error::Error;
use std::time::Duration;

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;

/// Reads what was used so far.
pub(crate) struct Meter {
    /// Nothing where the store is no Redis server.
    redis: Option<MultiplexedConnection>,
}

impl Meter {
    /// Whether the store is a server that counts what it is asked to do.
    pub(crate) fn counts(store: &str) -> bool {
        store.starts_with("redis")
    }

    pub(crate) async fn of(store: &str) -> Result<Self, Box<dyn Error>> {
        if !Self::counts(store) {
            return Ok(Self { redis: None });
        }
        Ok(Self { redis: Some(redis::Client::open(store)?.get_multiplexed_async_connection().await?) })
    }

    pub(crate) async fn read(&mut self) -> Result<Used, Box<dyn Error>> {
        let server = match &mut self.redis {
            Some(redis) => Some(Server::of(redis).await?),
            None => None,
        };
        Ok(Used { cpu: cpu_of_this_process(), server })
    }

    /// Removes every key under the prefix.
    pub(crate) async fn clear(&mut self, prefix: &str) -> Result<(), Box<dyn Error>> {
        let Some(redis) = &mut self.redis else { return Ok(()) };
        let mut keys = Vec::<String>::new();
        let mut found = redis.scan_match(format!("{prefix}:*")).await?;
        while let Some(key) = found.next_item().await {
            keys.push(key?);
        }
        drop(found);
        if !keys.is_empty() {
            redis.unlink::<_, ()>(keys).await?;
        }
        Ok(())
    }
}

/// What was used so far, by this process and by the server.
pub(crate) struct Used {
    /// Nothing where the system does not tell it.
    cpu: Option<Duration>,
    server: Option<Server>,
}

impl Used {
    pub(crate) fn since(&self, before: &Self) -> Self {
        let server = self.server.as_ref().zip(before.server.as_ref());
        Self {
            cpu: self.cpu.zip(before.cpu).map(|(now, before)| now.saturating_sub(before)),
            server: server.map(|(now, before)| now.since(before)),
        }
    }

    pub(crate) fn per(&self, runs: usize) -> String {
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / runs as f64;
        let mut told = Vec::new();
        if let Some(Server { scripts, all, cpu }) = self.server {
            let per = |calls: u64| calls as f64 / runs as f64;
            told.push(format!("{scripts} script calls ({:.4} per run)", per(scripts)));
            told.push(format!("{all} commands in all, within scripts too ({:.3} per run)", per(all)));
            told.push(format!("{:.1} µs of the server per run", micros(cpu)));
        }
        told.extend(self.cpu.map(|cpu| format!("{:.1} µs of this process per run", micros(cpu))));
        told.join(", ")
    }
}

/// What a server was asked to do: by clients, and in all, which includes what scripts ask of it; and its processor time.
struct Server {
    scripts: u64,
    all: u64,
    cpu: Duration,
}

impl Server {
    async fn of(redis: &mut MultiplexedConnection) -> Result<Self, Box<dyn Error>> {
        let info: String = redis::cmd("INFO").arg("commandstats").arg("cpu").query_async(redis).await?;
        let (mut scripts, mut all, mut cpu) = (0, 0, Duration::ZERO);
        for line in info.lines() {
            if let Some(seconds) = line.strip_prefix("used_cpu_user:").or(line.strip_prefix("used_cpu_sys:"))
            {
                cpu += Duration::from_secs_f64(seconds.parse()?);
            }
            // cmdstat_evalsha:calls=200,usec=…
            let command = line.strip_prefix("cmdstat_").and_then(|command| command.split_once(":calls="));
            let Some((name, calls)) = command else { continue };
            let calls: u64 = calls.split(',').next().unwrap_or_default().parse()?;
            all += calls;
            if name == "evalsha" {
                scripts += calls;
            }
        }
        Ok(Self { scripts, all, cpu })
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            scripts: self.scripts - before.scripts,
            all: self.all - before.all,
            cpu: self.cpu - before.cpu,
        }
    }
}

/// The processor time of this process, where Linux tells it.
fn cpu_of_this_process() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in front may have blanks and brackets in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    // user and system time, in hundredths of a second
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<_, _>>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}
