//! How long it takes from an enqueue until a run begins: at an idle worker, at a given rate, and at half of what each can take.
//!
//! Rates are open loops: runs come at moments of a schedule that waits for nobody, and are late from the moment that the schedule says, so that a
//! contestant that falls behind shows it.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::assignment::{How, Work};
use crate::contestants::{Acks, Contestant, Facts, Failure};
use crate::figures::Bench;
use crate::figures::enqueue::TASKS;
use crate::measure::Lived;

/// Between two runs for an idle worker, in µs, on average.
const GAP: u64 = 4_000;
/// The rate that is the same for all, in runs a second.
pub(crate) const RATE: f64 = 1_000.0;
/// The parts of runs that are not later.
pub(crate) const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];
/// An executor does one thing at a time: with these, no run waits for one.
const EXECUTORS: usize = 10;

impl Bench {
    pub(super) async fn latency(&mut self) -> Result<(), Failure> {
        let seconds = if self.options.quick { 0.6 } else { 2.5 };
        for round in 1..=self.options.rounds {
            for contestant in self.contestants.clone().iter() {
                let runs = (seconds * 1e6 / GAP as f64) as usize;
                self.live_with("idle", How::Gaps { micros: GAP }, runs, EXECUTORS, &**contestant, round)
                    .await?;
            }
        }
        for round in 1..=self.options.rounds {
            for contestant in self.contestants.clone().iter() {
                let how = How::Paced { per_second: RATE };
                let runs = (seconds * RATE) as usize;
                self.live_with("rate", how, runs, EXECUTORS, &**contestant, round).await?;
            }
        }
        self.half_load(seconds).await
    }

    /// What goes through when one process enqueues as fast as it can, with 64 tasks, and another performs; then half of that.
    async fn half_load(&mut self, seconds: f64) -> Result<(), Failure> {
        for round in self.rounds() {
            for contestant in self.contestants.clone().iter() {
                let Facts { name, acks, .. } = contestant.facts();
                if acks == Acks::Limit {
                    continue;
                }
                let Some(executors) = self.best(name) else { continue };
                let runs = self.runs("through", &**contestant, Duration::from_secs(1));
                let how = How::Concurrent { tasks: TASKS };
                self.live_with("through", how, runs, executors, &**contestant, round).await?;
            }
        }
        for round in 1..=self.options.rounds {
            for contestant in self.contestants.clone().iter() {
                let Facts { name, acks, .. } = contestant.facts();
                if acks == Acks::Limit {
                    continue;
                }
                let (Some(executors), Some(through)) =
                    (self.best(name), self.results.median("through", name))
                else {
                    self.results.miss("half", name, "its pace is not known");
                    continue;
                };
                let how = How::Paced { per_second: through / 2.0 };
                let runs = (seconds * through / 2.0) as usize;
                self.live_with("half", how, runs, executors, &**contestant, round).await?;
            }
        }
        Ok(())
    }

    async fn live_with(
        &mut self,
        figure: &str,
        how: How,
        runs: usize,
        executors: usize,
        contestant: &dyn Contestant,
        round: usize,
    ) -> Result<(), Failure> {
        let name = contestant.facts().name;
        if self.results.is_missing(figure, name) {
            return Ok(());
        }
        let server = self.server.clone();
        let measured = self.setup(contestant, &server, Work::Plain, runs).live(executors, how).await;
        let Some(Lived { took, latencies, idle_commands }) = self.taken(figure, name, measured) else {
            return Ok(());
        };
        let pace = runs as f64 / took.as_secs_f64();
        if figure == "through" {
            self.goes(figure, name, pace);
        }
        if round == 0 {
            return Ok(());
        }
        self.results.add(figure, name, pace);
        if figure == "idle" {
            self.results.add("idle/commands", name, idle_commands);
        }
        let shown = self.note_latencies(figure, name, &latencies)?;
        self.say(&format!("{figure} {round}: {name} {pace:.0} runs/s{shown}"));
        Ok(())
    }

    /// Takes down the quantiles, in ms. → How they are told.
    pub(super) fn note_latencies(
        &mut self,
        figure: &str,
        name: &str,
        latencies: &[u64],
    ) -> Result<String, Failure> {
        if latencies.is_empty() {
            return Ok(String::new());
        }
        let mut histogram = Histogram::<u64>::new(3)?;
        for latency in latencies {
            histogram.record(*latency)?;
        }
        let mut shown = String::new();
        for (quantile, part) in QUANTILES {
            let late = histogram.value_at_quantile(part) as f64 / 1e3;
            self.results.add(format!("{figure}/{quantile}"), name, late);
            shown += &format!(", {quantile} {late:.2} ms");
        }
        Ok(shown)
    }
}
