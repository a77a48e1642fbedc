//! The same runs in many queues, and at many processes.

use super::worker::{Crew, Plan};
use super::{Drain, Scale, against, median, micros};
use crate::contestants::Failure;

const EXECUTORS: usize = 200;
/// How often each is measured, one after the other.
const TURNS: usize = 7;

/// What is drained, and how that went in each turn.
struct Spread {
    what: String,
    processes: usize,
    plan: Plan,
    drains: Vec<Drain>,
}

impl Spread {
    fn of(what: String, processes: usize, plan: Plan) -> Self {
        Self { what, processes, plan, drains: Vec::new() }
    }
}

impl Scale {
    pub(super) async fn queues(&mut self) -> Result<(), Failure> {
        let spreads = [1, 10, 200].map(|count| {
            let queues = (0..count).map(|number| format!("scale-{number}")).collect();
            Spread::of(format!("{count} queues"), 1, Plan { queues, ..self.plan(EXECUTORS) })
        });
        self.in_turns(spreads, "≥ 0.5 ×").await
    }

    pub(super) async fn processes(&mut self) -> Result<(), Failure> {
        let spreads = [1, 4, 16]
            .map(|count| Spread::of(format!("{count} worker processes"), count, self.plan(EXECUTORS)));
        self.in_turns(spreads, "≥ 0.9 ×").await
    }

    async fn in_turns(&mut self, mut spreads: [Spread; 3], aim: &str) -> Result<(), Failure> {
        let runs = self.sized(200_000);
        for turn in 1..=TURNS {
            for spread in &mut spreads {
                self.say(&format!("{runs} runs, {}, {turn} of {TURNS}", spread.what));
                spread.drains.push(self.drained(spread, runs).await?);
            }
        }
        let paces =
            spreads.each_ref().map(|spread| spread.drains.iter().map(Drain::pace).collect::<Vec<_>>());
        for (spread, pace) in spreads.iter().zip(&paces) {
            let server: Vec<_> = spread.drains.iter().map(|drain| micros(drain.server, runs)).collect();
            let commands: Vec<_> = spread.drains.iter().map(|drain| drain.commands).collect();
            let told = format!(
                "{:.0} runs/s ({}), {:.1} µs of the server and {:.2} commands a run",
                median(pace),
                against(pace, &paces[0]),
                median(&server),
                median(&commands)
            );
            self.line(&format!("{runs} runs, {}", spread.what), &told, aim);
        }
        Ok(())
    }

    async fn drained(&mut self, spread: &Spread, runs: usize) -> Result<Drain, Failure> {
        let Spread { what, processes, plan, .. } = spread;
        self.clear().await?;
        for queue in &plan.queues {
            self.fill(queue, runs / plan.queues.len()).await?;
        }
        let mut crew = Crew::of(*processes, plan).await?;
        let drain = self.drain(&mut crew, &plan.queues, runs, 0).await?;
        let performed = crew.end().await?.performed;
        if performed != runs as u64 {
            return Err(format!("{what}: {runs} were enqueued, {performed} performed").into());
        }
        Ok(drain)
    }
}
