//! The same with features on, for whoever has them: retries, unique runs, limits, runs that are due later.

use std::time::Duration;

use crate::assignment::{How, Work};
use crate::contestants::{Contestant, Failure};
use crate::figures::Bench;

const AIM: Duration = Duration::from_millis(1_000);
/// Runs that are due later: so many, from when on, and over how long, in ms.
const LATER: (usize, u64, u64) = (2_000, 3_000, 2_000);
const EXECUTORS: usize = 10;

impl Bench {
    pub(super) async fn features(&mut self) -> Result<(), Failure> {
        for (figure, work) in [
            ("feature/retry", Work::Retry),
            ("feature/unique", Work::Unique),
            ("feature/limited", Work::Limited),
        ] {
            for round in self.rounds() {
                for contestant in self.contestants.clone().iter() {
                    self.feature(figure, work, &**contestant, round).await?;
                }
            }
        }
        for round in 1..=self.options.rounds {
            for contestant in self.contestants.clone().iter() {
                self.later(&**contestant, round).await?;
            }
        }
        Ok(())
    }

    fn has(&mut self, figure: &str, work: Work, contestant: &dyn Contestant) -> bool {
        let name = contestant.facts().name;
        if let Some(why) = contestant.lacks(work) {
            self.results.miss(figure, name, why);
        }
        !self.results.is_missing(figure, name)
    }

    async fn feature(
        &mut self,
        figure: &str,
        work: Work,
        contestant: &dyn Contestant,
        round: usize,
    ) -> Result<(), Failure> {
        let name = contestant.facts().name;
        let Some(executors) = self.best(name) else { return Ok(()) };
        if !self.has(figure, work, contestant) {
            return Ok(());
        }
        let runs = self.runs(figure, contestant, AIM);
        let server = self.server.clone();
        let measured = self.setup(contestant, &server, work, runs).drain(executors, false).await;
        let Some(drained) = self.taken(figure, name, measured) else { return Ok(()) };
        self.goes(figure, name, drained.cost.pace());
        if round > 0 {
            self.say(&format!("{figure} {round}: {name} {:.0} runs/s", drained.cost.pace()));
            self.note_cost(figure, name, &drained.cost);
        }
        Ok(())
    }

    async fn later(&mut self, contestant: &dyn Contestant, round: usize) -> Result<(), Failure> {
        let figure = "feature/scheduled";
        let name = contestant.facts().name;
        if !self.has(figure, Work::Scheduled, contestant) {
            return Ok(());
        }
        let (runs, after, over) = LATER;
        let how = How::Ahead { after, over };
        let server = self.server.clone();
        let measured = self.setup(contestant, &server, Work::Scheduled, runs).live(EXECUTORS, how).await;
        let Some(lived) = self.taken(figure, name, measured) else { return Ok(()) };
        let shown = self.note_latencies(figure, name, &lived.latencies)?;
        self.say(&format!("{figure} {round}: {name}{shown}"));
        Ok(())
    }
}
