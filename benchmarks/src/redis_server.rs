//! A Redis server of our own, which ends with us, and its counters.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::contestants::{Contestant, Count, Failure};

/// Whether the server keeps a log of what is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aof {
    Off,
    Everysec,
}

/// Killed when it is dropped; its folder goes with it.
pub(crate) struct RedisServer {
    port: u16,
    redis: MultiplexedConnection,
    // Dropped in this order: the server writes into the folder.
    _server: Child,
    _folder: TempDir,
}

/// What a server did so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// Commands performed, with those that scripts call.
    pub(crate) commands: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) cpu: Duration,
    /// In bytes.
    pub(crate) memory: u64,
    /// Calls by name of command.
    pub(crate) calls: BTreeMap<String, u64>,
}

impl RedisServer {
    pub(crate) async fn start(aof: Aof) -> Result<Self, Failure> {
        let folder = TempDir::new()?;
        // Below the ports that systems give to connections.
        let port = (0..200)
            .map(|_| fastrand::u16(16_000..32_000))
            .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
            .ok_or("no port is free")?;
        let mut command = Command::new("redis-server");
        command.args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--loglevel",
            "warning",
        ]);
        command.arg("--dir").arg(folder.path());
        if aof == Aof::Everysec {
            command.args(["--appendonly", "yes", "--appendfsync", "everysec"]);
        }
        let server = command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn()?;
        let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(60)));
        let until = Instant::now() + Duration::from_secs(10);
        let redis = loop {
            match client.get_multiplexed_async_connection_with_config(&config).await {
                Ok(redis) => break redis,
                Err(error) if Instant::now() > until => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        Ok(Self { port, redis, _server: server, _folder: folder })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Removes everything.
    pub(crate) async fn clear(&self) -> Result<(), Failure> {
        Ok(redis::cmd("FLUSHALL").arg("SYNC").query_async(&mut self.redis.clone()).await?)
    }

    /// The value of a setting.
    pub(crate) async fn setting(&self, name: &str) -> Result<String, Failure> {
        let (_, value): (String, String) =
            redis::cmd("CONFIG").arg("GET").arg(name).query_async(&mut self.redis.clone()).await?;
        Ok(value)
    }

    /// A line of `INFO`.
    pub(crate) async fn tells(&self, name: &str) -> Result<String, Failure> {
        let info: String = redis::cmd("INFO").query_async(&mut self.redis.clone()).await?;
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(line.unwrap_or("unknown").into())
    }

    pub(crate) async fn read(&self) -> Result<Reading, Failure> {
        let mut info = redis::cmd("INFO");
        for section in ["stats", "commandstats", "cpu", "memory"] {
            info.arg(section);
        }
        let info: String = info.query_async(&mut self.redis.clone()).await?;
        let mut reading = Reading::default();
        for (name, value) in info.lines().filter_map(|line| line.split_once(':')) {
            match name {
                "total_commands_processed" => reading.commands = value.parse()?,
                "total_net_input_bytes" => reading.bytes_in = value.parse()?,
                "total_net_output_bytes" => reading.bytes_out = value.parse()?,
                "used_memory" => reading.memory = value.parse()?,
                "used_cpu_user" | "used_cpu_sys" => {
                    reading.cpu += Duration::from_secs_f64(value.parse()?);
                }
                _ => {
                    // cmdstat_evalsha:calls=200,usec=…
                    let calls = value.strip_prefix("calls=").and_then(|value| value.split(',').next());
                    if let (Some(command), Some(calls)) = (name.strip_prefix("cmdstat_"), calls) {
                        reading.calls.insert(command.into(), calls.parse()?);
                    }
                }
            }
        }
        Ok(reading)
    }

    /// How much a contestant has left to do, by what the store itself shows. Keys of which there is one for each worker are looked for only when
    /// all others are empty, since that goes through every key there is.
    pub(crate) async fn left(&self, contestant: &dyn Contestant) -> Result<Left, Failure> {
        let (mut fixed, mut patterns) = (Vec::new(), Vec::new());
        for count in contestant.left() {
            match count {
                Count::Of(command, key) => fixed.push((command, key.to_owned())),
                Count::Each(command, pattern) => patterns.push((command, pattern)),
            }
        }
        let mut left = Left::default();
        self.count(&fixed, &mut left).await?;
        if left.runs > 0 {
            return Ok(left);
        }
        for (command, pattern) in patterns {
            let mut look = redis::cmd("KEYS");
            look.arg(pattern);
            let keys: Vec<String> = look.query_async(&mut self.redis.clone()).await?;
            left.commands += 1;
            left.bytes_in += look.get_packed_command().len() as u64;
            left.bytes_out += keys.iter().map(|key| 7 + key.len() as u64).sum::<u64>();
            self.count(&keys.into_iter().map(|key| (command, key)).collect::<Vec<_>>(), &mut left).await?;
        }
        Ok(left)
    }

    async fn count(&self, keys: &[(&str, String)], left: &mut Left) -> Result<(), Failure> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut pipeline = redis::pipe();
        for (command, key) in keys {
            pipeline.cmd(command).arg(key);
        }
        left.commands += keys.len() as u64;
        left.bytes_in += pipeline.get_packed_pipeline().len() as u64;
        let counts: Vec<u64> = pipeline.query_async(&mut self.redis.clone()).await?;
        left.runs += counts.iter().sum::<u64>();
        left.bytes_out += counts.iter().map(|count| 3 + count.to_string().len() as u64).sum::<u64>();
        Ok(())
    }
}

/// What is left to do, and what it cost to ask.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Left {
    pub(crate) runs: u64,
    pub(crate) commands: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

impl Reading {
    /// What was done between two readings.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            commands: self.commands - before.commands,
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: self.bytes_out - before.bytes_out,
            cpu: self.cpu.saturating_sub(before.cpu),
            memory: self.memory.saturating_sub(before.memory),
            calls: self
                .calls
                .iter()
                .map(|(name, calls)| (name.clone(), calls - before.calls.get(name).unwrap_or(&0)))
                .filter(|(_, calls)| *calls > 0)
                .collect(),
        }
    }
}
