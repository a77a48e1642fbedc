//! A child process, seen by its parent: started for one measurement, and ended with it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::assignment::Assignment;
use crate::contestants::Failure;

/// The processor time of a process and its memory, as Linux tells it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    /// In bytes.
    pub(crate) rss: u64,
    /// The most it ever was, in bytes.
    pub(crate) peak: u64,
}

/// Killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    id: u32,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    /// The last line of its errors, when it has ended.
    complaint: JoinHandle<String>,
    named: String,
}

/// How long a child may take to start.
const START: Duration = Duration::from_secs(20);

impl Process {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(assignment: &Assignment) -> Result<Self, Failure> {
        let json = serde_json::to_string(assignment)?;
        let command = if assignment.contestant == "BullMQ (Node)" {
            let mut command = Command::new("node");
            command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/bullmq/contestant.js")).arg(json);
            command
        } else {
            let mut command = Command::new(std::env::current_exe()?);
            command.arg("child").arg(json);
            command
        };
        Self::of(command, format!("{} ({:?})", assignment.contestant, assignment.role)).await
    }

    /// Starts a command that says `ready`, and waits until it does.
    pub(crate) async fn of(mut command: Command, named: String) -> Result<Self, Failure> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn()?;
        let id = child.id().ok_or("the process ended at once")?;
        let output = child.stdout.take().expect("its output is piped");
        let errors = child.stderr.take().expect("its errors are piped");
        let mut process = Self {
            id,
            input: child.stdin.take(),
            output: BufReader::new(output).lines(),
            complaint: tokio::spawn(listen(errors)),
            child,
            named,
        };
        process.says("ready", START).await?;
        Ok(process)
    }

    pub(crate) async fn tell(&mut self, word: &str) -> Result<(), Failure> {
        let input = self.input.as_mut().ok_or("its input is closed")?;
        input.write_all(format!("{word}\n").as_bytes()).await?;
        Ok(input.flush().await?)
    }

    /// Waits for this word.
    pub(crate) async fn says(&mut self, word: &str, within: Duration) -> Result<(), Failure> {
        let line = self.line(within).await?;
        if line == word { Ok(()) } else { Err(format!("{}: said `{line}`", self.named).into()) }
    }

    /// Whether it says this word within that time.
    pub(crate) async fn said(&mut self, word: &str, within: Duration) -> Result<bool, Failure> {
        match timeout(within, self.output.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line == word),
            Ok(Ok(None)) => Err(self.ended().await),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Ok(false),
        }
    }

    /// Asks for the answer that is JSON. What it says before that is left out.
    pub(crate) async fn answer<T: DeserializeOwned>(&mut self, within: Duration) -> Result<T, Failure> {
        let until = Instant::now() + within;
        loop {
            let line = self.line(until.saturating_duration_since(Instant::now())).await?;
            if line.starts_with('{') {
                return Ok(serde_json::from_str(&line)?);
            }
        }
    }

    async fn line(&mut self, within: Duration) -> Result<String, Failure> {
        match timeout(within, self.output.next_line()).await {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Ok(None)) => Err(self.ended().await),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(format!("{}: said nothing for {within:?}", self.named).into()),
        }
    }

    /// Why it ended by itself.
    async fn ended(&mut self) -> Failure {
        let status = self.child.wait().await.map(|status| status.to_string());
        let complaint = (&mut self.complaint).await.unwrap_or_default();
        format!("{} ended, {}: {complaint}", self.named, status.unwrap_or_default()).into()
    }

    /// What it used so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage::of(self.id).unwrap_or_default()
    }

    /// Ends it, without asking it to: what it holds is thrown away with the store's content.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        drop(self.input.take());
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }
}

/// Reads what a child complains of, so that it never waits to say it, and keeps the last line.
async fn listen(errors: ChildStderr) -> String {
    let mut lines = BufReader::new(errors).lines();
    let mut last = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        last = line;
    }
    last
}

impl Usage {
    fn of(id: u32) -> Option<Self> {
        // The clock of a process counts the time of all its threads, in nanoseconds.
        let cpu = clock_getcpuclockid(Pid::from_raw(i32::try_from(id).ok()?)).ok()?.now().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        Some(Self {
            cpu: Duration::from(cpu),
            rss: 1024 * kilobytes("VmRSS:")?,
            peak: 1024 * kilobytes("VmHWM:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Usage;

    #[test]
    fn a_process_has_memory() {
        let usage = Usage::of(std::process::id()).unwrap();

        assert!(usage.peak >= usage.rss && usage.rss > 0, "{usage:?}");
    }
}
