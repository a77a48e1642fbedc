//! Whether a run costs the same however many wait behind it.

use std::time::{Duration, Instant};

use mosquito::backend::{Fate, Settlement, Ticket};
use mosquito::{OverseerId, QueueName};

use super::worker::{Crew, Nothing};
use super::{Scale, micros};
use crate::contestants::Failure;

const QUEUE: &str = "scale";
const CALL: usize = 200;
/// How many calls are made before the queue is filled up again: at a depth of 1,000, the fewest that wait are 200.
const CALLS: usize = 4;
const GROUPS: usize = 50;
/// A table that has just grown is moved to its new room bit by bit, with each access: these are for that, and for what is done once.
const WARMING: usize = 30;

/// What claiming and settling a run takes.
struct Moved {
    server: f64,
    waited: f64,
}

impl Scale {
    pub(super) async fn depth(&mut self) -> Result<(), Failure> {
        let depths =
            [1_000, 100_000, 1_000_000].map(|depth| if depth > 1_000 { self.sized(depth) } else { depth });
        let mut first = None;
        for depth in depths {
            self.say(&format!("{depth} waiting"));
            self.clear().await?;
            self.fill(QUEUE, depth).await?;
            let moved = self.moved().await?;
            let first = first.get_or_insert(moved.server);
            self.line(
                &format!("claim and settle by {CALL}, {depth} waiting"),
                &moved.told(*first),
                "within 10 %",
            );
        }
        self.drained_from(depths[2]).await?;
        let scheduled = depths[2];
        self.say(&format!("{scheduled} scheduled beside"));
        self.clear().await?;
        self.fill(QUEUE, depths[0]).await?;
        let later = (0..scheduled).map(|number| Nothing::number(number, 0));
        self.store.enqueue_all(later).queue(QUEUE).delay(Duration::from_secs(86_400)).await?;
        let moved = self.moved().await?;
        let told = moved.told(first.unwrap_or(moved.server));
        let what = format!("claim and settle by {CALL}, {} waiting beside {scheduled} scheduled", depths[0]);
        self.line(&what, &told, "within 10 %");
        Ok(())
    }

    /// How fast a worker takes the first runs of so many, against the last.
    async fn drained_from(&mut self, depth: usize) -> Result<(), Failure> {
        let runs = self.sized(100_000);
        let (queues, plan) = ([QUEUE.to_owned()], self.plan(200));
        let mut first = None;
        for depth in [runs, depth] {
            self.say(&format!("{runs} drained of {depth}"));
            self.clear().await?;
            self.fill(QUEUE, depth).await?;
            let mut crew = Crew::of(1, &plan).await?;
            let drain = self.drain(&mut crew, &queues, runs, depth - runs).await?;
            crew.end().await?;
            let first = *first.get_or_insert(drain.pace());
            let told = format!(
                "{:.0} runs/s, {:.1} µs of the server and {:.2} commands a run ({:.2} ×)",
                drain.pace(),
                micros(drain.server, runs),
                drain.commands,
                drain.pace() / first
            );
            self.line(&format!("one worker, the first {runs} of {depth} waiting"), &told, "within 10 %");
        }
        Ok(())
    }

    async fn moved(&mut self) -> Result<Moved, Failure> {
        let (queue, overseer) = (QueueName::new(QUEUE)?, OverseerId::random());
        let (mut number, mut server, mut waited) = (0, Duration::ZERO, Duration::ZERO);
        for group in 0..WARMING + GROUPS {
            let (before, begin) = (self.server.read().await?, Instant::now());
            for _ in 0..CALLS {
                number += 1;
                let ticket = Ticket { overseer: overseer.clone(), number };
                let claims = self.store.backend().claim(&queue, &ticket, CALL).await?.runs;
                if claims.len() != CALL {
                    return Err(format!("claimed {} of {CALL}", claims.len()).into());
                }
                let settlements: Vec<_> = claims
                    .into_iter()
                    .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::Forget })
                    .collect();
                self.store.backend().settle(&queue, &settlements).await?;
            }
            if group >= WARMING {
                waited += begin.elapsed();
                server += self.server.read().await?.since(&before).cpu;
            }
            self.fill(QUEUE, CALLS * CALL).await?;
        }
        let runs = GROUPS * CALLS * CALL;
        Ok(Moved { server: micros(server, runs), waited: micros(waited, runs) })
    }
}

impl Moved {
    fn told(&self, first: f64) -> String {
        let Self { server, waited } = self;
        format!("{server:.2} µs of the server a run ({:.2} ×), {waited:.1} µs in all", server / first)
    }
}
