//! A queue with a million runs in it: the pace at that depth, and what memory a worker needs. One round, for those who get through it in time.

use std::time::Duration;

use crate::assignment::Work;
use crate::contestants::{Acks, Failure};
use crate::figures::Bench;

const DEEP: usize = 1_000_000;
/// Of a smoke run.
const SHALLOW: usize = 20_000;
/// Filling and draining may take so long.
const TIME: Duration = Duration::from_secs(45);

impl Bench {
    pub(super) async fn deep(&mut self) -> Result<(), Failure> {
        let runs = if self.options.quick { SHALLOW } else { DEEP };
        let server = self.server.clone();
        for contestant in self.contestants.clone().iter() {
            let facts = contestant.facts();
            let Some(executors) = self.best(facts.name).filter(|_| facts.acks != Acks::Limit) else {
                continue;
            };
            if let Some((most, why)) = facts.most_waiting.filter(|(most, _)| *most < runs) {
                self.results.miss("deep", facts.name, format!("never more than {most} runs: {why}"));
                continue;
            }
            let pace = |figure: String| self.results.median(&figure, facts.name).unwrap_or(1.0);
            let filling = if facts.bulk { "enqueue/bulk" } else { "enqueue/64" };
            let takes = runs as f64 / pace(filling.into()) + runs as f64 / pace(format!("drain/{executors}"));
            if takes > TIME.as_secs_f64() {
                let why = format!("would take {takes:.0} s at its pace, and is left out");
                self.results.miss("deep", facts.name, why);
                continue;
            }
            let setup = self.setup(&**contestant, &server, Work::Plain, runs);
            let measured = setup.drain(executors, false).await;
            if let Some(drained) = self.taken("deep", facts.name, measured) {
                self.say(&format!("deep: {} {:.0} runs/s", facts.name, drained.cost.pace()));
                self.results.add("deep", facts.name, drained.cost.pace());
                self.results.add("deep/peak", facts.name, drained.usage.peak as f64);
            }
        }
        Ok(())
    }
}
