//! The conditions: machine, server, versions.

use std::process::Command;

use crate::clock;
use crate::contestants::Failure;
use crate::figures::Bench;

/// What stands above the figures.
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) redis: String,
    pub(crate) rust: String,
    pub(crate) node: String,
    pub(crate) commit: String,
}

impl Machine {
    pub(crate) async fn look(bench: &Bench) -> Result<Self, Failure> {
        let server = &bench.server;
        let (save, io_threads) = (server.setting("save").await?, server.setting("io-threads").await?);
        let saves = if save.is_empty() { "no snapshots".into() } else { format!("save {save}") };
        let redis = format!(
            "{} ({}), {saves}, io-threads {io_threads}, on the same cores, over loopback",
            server.tells("redis_version").await?,
            server.tells("mem_allocator").await?,
        );
        Ok(Self {
            date: clock::date(),
            processor: line_of("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory: memory(),
            kernel: said("uname", &["-sr"]),
            redis,
            rust: said("rustc", &["--version"]),
            node: said("node", &["--version"]),
            commit: said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]),
        })
    }
}

/// The version of a package, as the lock file has it.
pub(crate) fn version(package: &str) -> String {
    const CARGO: &str = include_str!("../../Cargo.lock");
    const NPM: &str = include_str!("../../bullmq/package-lock.json");
    let from_cargo = CARGO
        .split_once(&format!("name = \"{package}\"\nversion = \""))
        .and_then(|(_, rest)| rest.split('"').next());
    let from_npm = || {
        let (_, rest) = NPM.split_once(&format!("\"node_modules/{package}\": {{"))?;
        rest.split_once("\"version\": \"")?.1.split('"').next()
    };
    from_cargo.or_else(from_npm).unwrap_or("unknown").into()
}

fn memory() -> String {
    let told = line_of("/proc/meminfo", "MemTotal");
    let kilobytes = told.strip_suffix(" kB").and_then(|kilobytes| kilobytes.parse::<f64>().ok());
    kilobytes.map_or(told, |kilobytes| format!("{:.0} GiB", kilobytes / 1_048_576.0))
}

/// What stands behind the colon.
fn line_of(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).into()
}

fn said(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_from_both_lock_files() {
        for package in ["mosquito", "oxana", "bullmq-official", "bullmq"] {
            assert!(version(package).starts_with(|first: char| first.is_ascii_digit()), "{package}");
        }
    }
}
