//! How fast runs are enqueued: one by one, 64 at a time, and in bulk; beside Redis itself.

use std::time::Duration;

use tokio::process::Command;

use crate::assignment::{How, Work};
use crate::contestants::evalsha::Evalsha;
use crate::contestants::{Acks, Contestant, Failure};
use crate::figures::Bench;
use crate::measure::Cost;

/// Tasks that enqueue at the same time, and connections of `redis-benchmark`.
pub(crate) const TASKS: usize = 64;

const AIM: Duration = Duration::from_millis(1_000);

/// `LPUSH raw` and its lengths around a value of three digits.
const AROUND: f64 = 39.0;

impl Bench {
    pub(super) async fn enqueue(&mut self) -> Result<(), Failure> {
        for (figure, how) in [
            ("enqueue/one", How::One),
            ("enqueue/64", How::Concurrent { tasks: TASKS }),
            ("enqueue/bulk", How::Bulk),
        ] {
            for round in self.rounds() {
                for contestant in self.contestants.clone().iter() {
                    self.enqueue_with(figure, how, &**contestant, round).await?;
                }
                match how {
                    How::One => self.enqueue_with(figure, how, &Evalsha, round).await?,
                    How::Concurrent { .. } if round > 0 => self.redis_benchmark().await?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn enqueue_with(
        &mut self,
        figure: &str,
        how: How,
        contestant: &dyn Contestant,
        round: usize,
    ) -> Result<(), Failure> {
        let facts = contestant.facts();
        if how == How::Bulk && !facts.bulk {
            self.results.miss(figure, facts.name, "has no bulk enqueue");
        }
        if self.results.is_missing(figure, facts.name) {
            return Ok(());
        }
        let runs = self.runs(figure, contestant, AIM);
        let server = self.server.clone();
        let measured = self.setup(contestant, &server, Work::Plain, runs).enqueue(how).await;
        let Some(cost) = self.taken(figure, facts.name, measured) else { return Ok(()) };
        self.goes(figure, facts.name, cost.pace());
        if round > 0 {
            self.say(&format!("{figure} {round}: {} {:.0} runs/s", facts.name, cost.pace()));
            self.note_cost(figure, facts.name, &cost);
            if how == contestant.fill() && facts.acks != Acks::Limit {
                self.results.add("memory", facts.name, cost.per_run(cost.server.memory as f64));
            }
        }
        Ok(())
    }

    /// What is told of every measurement.
    pub(super) fn note_cost(&mut self, figure: &str, contestant: &str, cost: &Cost) {
        let server = &cost.server;
        self.results.add(figure, contestant, cost.pace());
        self.results.add(format!("{figure}/runs"), contestant, cost.runs as f64);
        for (name, all) in [
            ("commands", server.commands as f64),
            ("bytes in", server.bytes_in as f64),
            ("bytes out", server.bytes_out as f64),
            ("server µs", server.cpu.as_secs_f64() * 1e6),
            ("client µs", cost.client.as_secs_f64() * 1e6),
        ] {
            self.results.add(format!("{figure}/{name}"), contestant, cost.per_run(all));
        }
    }

    /// `redis-benchmark` with as many connections as others have tasks, and values that make each `LPUSH` as long as what mosquito sends for a run.
    async fn redis_benchmark(&mut self) -> Result<(), Failure> {
        let sent = self.results.of("enqueue/64/bytes in", "mosquito").and_then(|series| series.median());
        let length = (sent.unwrap_or(250.0) - AROUND).clamp(60.0, 1_000.0) as usize;
        let runs = if self.options.quick { 20_000 } else { 100_000 };
        self.server.clear().await?;
        let output = Command::new("redis-benchmark")
            .args(["-p", &self.server.port().to_string(), "-c", &TASKS.to_string(), "-n", &runs.to_string()])
            .args(["--csv", "LPUSH", "raw", &"x".repeat(length)])
            .output()
            .await?;
        let output = String::from_utf8_lossy(&output.stdout).into_owned();
        // A line of names, and a line of values: the second is the requests per second.
        let pace = output
            .lines()
            .last()
            .and_then(|line| line.rsplit("\",\"").nth(6)?.parse().ok())
            .ok_or_else(|| format!("redis-benchmark said `{output}`"))?;
        self.say(&format!("enqueue/64: redis-benchmark -c {TASKS}, {length} bytes: {pace:.0}/s"));
        self.results.add("enqueue/64", "redis-benchmark", pace);
        self.results.add("enqueue/64/length", "redis-benchmark", length as f64);
        Ok(())
    }
}
