//! Very many runs that are due at one moment: how long they take to come to `waiting`, and what that does to others.

use std::time::{Duration, Instant};

use mosquito::chrono::{TimeDelta, Utc};

use super::Scale;
use super::worker::{Crew, Nothing, Plan};
use crate::clock;
use crate::contestants::Failure;

/// From when they are enqueued until they are due.
const AHEAD: Duration = Duration::from_secs(8);
/// Between two runs of others.
const GAP: Duration = Duration::from_millis(2);

impl Scale {
    pub(super) async fn due(&mut self) -> Result<(), Failure> {
        let runs = self.sized(100_000);
        self.say(&format!("{runs} due at once"));
        self.clear().await?;
        let due = Utc::now() + TimeDelta::from_std(AHEAD)?;
        let later = (0..runs).map(|number| Nothing::number(number, 0));
        self.store.enqueue_all(later).queue("due").at(due).await?;
        let mut crew = Crew::of(1, &Plan { queues: vec!["calm".into()], ..self.plan(10) }).await?;
        crew.go().await?;
        let (mut moved, mut number) = (None, 0);
        // For a second before and after.
        while moved.is_none_or(|moved: Instant| moved.elapsed() < Duration::from_secs(1)) {
            let is_near = Utc::now() + TimeDelta::seconds(1) > due;
            if is_near {
                number += 1;
                let one = Nothing::number(number, clock::now());
                self.store.enqueue(one).queue("calm").await?;
            }
            if moved.is_none() && Utc::now() > due && self.scheduled("due").await? == 0 {
                moved = Some(Instant::now());
            }
            if Utc::now() > due + TimeDelta::seconds(60) {
                return Err("not all that is due has moved within a minute".into());
            }
            tokio::time::sleep(GAP).await;
        }
        let took = (Utc::now() - due)
            .to_std()?
            .saturating_sub(moved.map_or(Duration::ZERO, |moved| moved.elapsed()));
        let told = crew.end().await?;
        self.line(
            &format!("{runs} due at once, all of them waiting after"),
            &format!("{:.2} s", took.as_secs_f64()),
            "",
        );
        let pauses = format!(
            "{:.1} ms, p99 {:.1} ms, p50 {:.2} ms",
            told.latency(1.0),
            told.latency(0.99),
            told.latency(0.5)
        );
        self.line("meanwhile, the longest pickup of another queue's run", &pauses, "never blocked");
        Ok(())
    }

    async fn scheduled(&mut self, queue: &str) -> Result<usize, Failure> {
        let mut look = redis::cmd("ZCARD");
        Ok(look.arg(format!("mosquito:{{{queue}}}:scheduled")).query_async(&mut self.redis).await?)
    }
}
