//! How late runs begin when there is nothing else to do.

use std::time::Duration;

use super::Scale;
use super::worker::{Crew, Nothing};
use crate::clock;
use crate::contestants::Failure;

/// Between two runs, on average.
const GAP: Duration = Duration::from_millis(8);
/// The first ones have connections and scripts to set up.
const WARM: usize = 10;

impl Scale {
    pub(super) async fn latency(&mut self) -> Result<(), Failure> {
        let (runs, queues) = (self.sized(1_000), ["scale".to_owned()]);
        self.say("pickup and lateness");
        self.clear().await?;
        let mut crew = Crew::of(1, &self.plan(10)).await?;
        crew.go().await?;
        for number in 0..runs + WARM {
            tokio::time::sleep(GAP / 2 + GAP.mul_f64(fastrand::f64())).await;
            let at = if number < WARM { 0 } else { clock::now() };
            self.store.enqueue(Nothing::number(number, at)).queue("scale").await?;
        }
        self.until(&queues, 0).await?;
        let told = crew.end().await?;
        let (p50, p99, worst) = (told.latency(0.5), told.latency(0.99), told.latency(1.0));
        let told = format!("p50 {p50:.2} ms, p99 {p99:.2} ms, worst {worst:.1} ms");
        self.line(&format!("pickup at an idle worker, of {runs}"), &told, "p50 ≤ 0.5 ms, p99 ≤ 5 ms");

        // With what the worker before held: nobody else leads until its lease is over.
        self.clear().await?;
        let mut crew = Crew::of(1, &self.plan(10)).await?;
        crew.go().await?;
        for number in 0..runs {
            // Each at a moment of its own, half a second to ten from now.
            let delay = Duration::from_micros(500_000 + fastrand::u64(0..9_500_000));
            let at = clock::now() + delay.as_micros() as u64;
            self.store.enqueue(Nothing::number(number, at)).queue("scale").delay(delay).await?;
        }
        self.until(&queues, 0).await?;
        let told = crew.end().await?;
        let (p50, p99, worst) = (told.latency(0.5), told.latency(0.99), told.latency(1.0));
        let told = format!("p50 {p50:.2} ms, p99 {p99:.2} ms, worst {worst:.1} ms");
        self.line(&format!("lateness of {runs} scheduled over 10 s"), &told, "p99 ≤ 50 ms");
        Ok(())
    }
}
