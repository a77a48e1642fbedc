//! The same runs in many queues, and at many processes.

use super::worker::{Crew, Plan};
use super::{Scale, micros};
use crate::contestants::Failure;

const EXECUTORS: usize = 200;

impl Scale {
    pub(super) async fn queues(&mut self) -> Result<(), Failure> {
        let runs = self.sized(200_000);
        let mut one = None;
        for count in [1, 10, 200] {
            self.say(&format!("{runs} runs in {count} queues"));
            let queues: Vec<_> = (0..count).map(|number| format!("scale-{number}")).collect();
            let plan = Plan { queues, ..self.plan(EXECUTORS) };
            self.spread(runs, 1, &plan, &mut one, &format!("{count} queues"), "≥ 0.5 ×").await?;
        }
        Ok(())
    }

    pub(super) async fn processes(&mut self) -> Result<(), Failure> {
        let runs = self.sized(200_000);
        let mut one = None;
        for count in [1, 4, 16] {
            self.say(&format!("{runs} runs at {count} processes"));
            let plan = self.plan(EXECUTORS);
            self.spread(runs, count, &plan, &mut one, &format!("{count} worker processes"), "≥ 0.9 ×")
                .await?;
        }
        Ok(())
    }

    async fn spread(
        &mut self,
        runs: usize,
        processes: usize,
        plan: &Plan,
        one: &mut Option<f64>,
        what: &str,
        aim: &str,
    ) -> Result<(), Failure> {
        self.clear().await?;
        for queue in &plan.queues {
            self.fill(queue, runs / plan.queues.len()).await?;
        }
        let mut crew = Crew::of(processes, plan).await?;
        let drain = self.drain(&mut crew, &plan.queues, runs, 0).await?;
        let performed = crew.end().await?.performed;
        if performed != runs as u64 {
            return Err(format!("{what}: {runs} were enqueued, {performed} performed").into());
        }
        let one = *one.get_or_insert(drain.pace());
        let told = format!(
            "{:.0} runs/s ({:.2} ×), {:.1} µs of the server and {:.2} commands a run",
            drain.pace(),
            drain.pace() / one,
            micros(drain.server, runs),
            drain.commands
        );
        self.line(&format!("{runs} runs, {what}"), &told, aim);
        Ok(())
    }
}
