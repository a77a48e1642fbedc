//! How fast a worker works off what waits, with 1 to 200 executors.

use std::time::Duration;

use crate::assignment::Work;
use crate::contestants::{Contestant, Failure};
use crate::figures::Bench;

/// Executors.
pub(crate) const LEVELS: [usize; 5] = [1, 10, 50, 100, 200];
/// Under this metric stands with how many executors each is fastest.
pub(crate) const BEST: &str = "drain/best";

const AIM: Duration = Duration::from_millis(1_000);

impl Bench {
    pub(super) async fn drain(&mut self) -> Result<(), Failure> {
        // All numbers of executors in each round: those that two are best with may differ, and are compared nevertheless.
        for round in self.rounds() {
            for executors in LEVELS {
                let figure = format!("drain/{executors}");
                for contestant in self.contestants.clone().iter() {
                    self.drain_with(&figure, executors, &**contestant, round).await?;
                }
            }
        }
        for contestant in self.contestants.clone().iter() {
            let name = contestant.facts().name;
            let pace = |executors: &usize| self.results.median(&format!("drain/{executors}"), name);
            let best = LEVELS
                .into_iter()
                .max_by(|one, other| pace(one).unwrap_or(0.0).total_cmp(&pace(other).unwrap_or(0.0)));
            match best.filter(|best| pace(best).is_some()) {
                Some(best) => self.results.add(BEST, name, best as f64),
                None => self.results.miss(BEST, name, "delivered no drain"),
            }
        }
        Ok(())
    }

    async fn drain_with(
        &mut self,
        figure: &str,
        executors: usize,
        contestant: &dyn Contestant,
        round: usize,
    ) -> Result<(), Failure> {
        let name = contestant.facts().name;
        if self.results.is_missing(figure, name) {
            return Ok(());
        }
        let runs = self.runs(figure, contestant, AIM);
        let server = self.server.clone();
        let measured = self.setup(contestant, &server, Work::Plain, runs).drain(executors, false).await;
        let Some(drained) = self.taken(figure, name, measured) else { return Ok(()) };
        self.goes(figure, name, drained.cost.pace());
        if round > 0 {
            self.say(&format!("{figure} {round}: {name} {:.0} runs/s", drained.cost.pace()));
            self.note_cost(figure, name, &drained.cost);
            self.results.add(format!("{figure}/peak"), name, drained.usage.peak as f64);
        }
        Ok(())
    }

    /// With how many executors it is fastest.
    pub(super) fn best(&self, contestant: &str) -> Option<usize> {
        self.results.median(BEST, contestant).map(|best| best as usize)
    }
}
