//! What workers with nothing to do ask of the server, and how many of them wake up for one run. A proxy counts what they send.

use std::time::Duration;

use super::Scale;
use super::worker::{Crew, Nothing, Plan};
use crate::contestants::Failure;
use crate::proxy::Proxy;

const WATCHED: Duration = Duration::from_secs(20);
/// What is done once, or soon after a start.
const SETTLE: Duration = Duration::from_secs(4);
/// How many runs are enqueued, one by one, and the time between them.
const RUNS: usize = 20;
const GAP: Duration = Duration::from_millis(250);

impl Scale {
    pub(super) async fn idle(&mut self) -> Result<(), Failure> {
        for runners in [1, 50] {
            self.say(&format!("{runners} idle workers"));
            self.clear().await?;
            let proxy = Proxy::before(self.server.port(), Duration::ZERO)?;
            let plan = Plan { url: proxy.url(), runners, ..self.plan(10) };
            let mut crew = Crew::of(1, &plan).await?;
            crew.go().await?;
            // The queue is there, and so is everything that is sent for the first run.
            self.store.enqueue(Nothing::number(0, 0)).queue("scale").await?;
            tokio::time::sleep(SETTLE).await;

            let before = proxy.commands();
            tokio::time::sleep(WATCHED).await;
            let idle = (proxy.commands() - before) as f64 / WATCHED.as_secs_f64();
            let told = format!("{idle:.1} commands/s, {:.2} of each", idle / runners as f64);
            self.line(&format!("{runners} idle workers"), &told, "≤ 2 of each");

            let before = proxy.commands();
            for number in 1..=RUNS {
                self.store.enqueue(Nothing::number(number, 0)).queue("scale").await?;
                tokio::time::sleep(GAP).await;
            }
            let sent = (proxy.commands() - before) as f64 - idle * GAP.as_secs_f64() * RUNS as f64;
            let told = format!("{:.1} commands sent", sent / RUNS as f64);
            self.line(&format!("{runners} idle workers, for one enqueue"), &told, "as one worker");
            let performed = crew.end().await?.performed;
            if performed != RUNS as u64 + 1 {
                return Err(format!("{performed} of {} were performed", RUNS + 1).into());
            }
        }
        Ok(())
    }
}
