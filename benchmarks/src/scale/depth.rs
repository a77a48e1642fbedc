//! Whether a run costs the same however many wait behind it.
//!
//! Each depth has a server of its own, and they are measured in turns, a few calls each, so that a slow second of the machine falls on all of them.

use std::time::{Duration, Instant};

use mosquito::backend::{Fate, Settlement, Ticket};
use mosquito::{OverseerId, QueueName};

use super::worker::{Crew, Nothing};
use super::{Scale, against, median, micros};
use crate::contestants::Failure;

const QUEUE: &str = "scale";
const CALL: usize = 200;
/// How many calls are made before the queue is filled up again: at a depth of 1,000, the fewest that wait are 200.
const CALLS: usize = 4;
const TURNS: usize = 200;
/// A table that has just grown is moved to its new room bit by bit, with each access: these are for that, and for what is done once.
const WARMING: usize = 30;
/// How often a worker drains from each depth.
const DRAINS: usize = 9;

/// A store with so many waiting, and what it took to claim and settle a run there, in µs, by turns.
struct Side {
    scale: Scale,
    what: String,
    overseer: OverseerId,
    tickets: u64,
    server: Vec<f64>,
    waited: Vec<f64>,
}

impl Scale {
    pub(super) async fn depth(&mut self) -> Result<(), Failure> {
        let depths =
            [1_000, 100_000, 1_000_000].map(|depth| if depth > 1_000 { self.sized(depth) } else { depth });
        let mut sides = Vec::new();
        for depth in depths {
            self.say(&format!("{depth} waiting"));
            sides.push(Side::of(self.beside().await?, depth, 0).await?);
        }
        self.say(&format!("{} scheduled beside {}", depths[2], depths[0]));
        sides.push(Side::of(self.beside().await?, depths[0], depths[2]).await?);
        self.say(&format!("{} turns", WARMING + TURNS));
        for turn in 0..WARMING + TURNS {
            for side in &mut sides {
                side.move_some(turn >= WARMING).await?;
            }
        }
        for side in &sides {
            let told = format!(
                "{:.2} µs of the server a run ({}), {:.1} µs in all",
                median(&side.server),
                against(&side.server, &sides[0].server),
                median(&side.waited)
            );
            self.line(&format!("claim and settle by {CALL}, {}", side.what), &told, "within 10 %");
        }
        drop(sides);
        self.drained_from(depths[2]).await
    }

    /// How fast a worker takes the first runs of so many, against the last.
    async fn drained_from(&mut self, depth: usize) -> Result<(), Failure> {
        let runs = self.sized(100_000);
        let mut sides = [(runs, self.beside().await?), (depth, self.beside().await?)];
        sides[1].1.fill(QUEUE, depth - runs).await?;
        let (mut paces, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
        for turn in 1..=DRAINS {
            self.say(&format!("{runs} drained of {runs} and of {depth}, {turn} of {DRAINS}"));
            for (side, (depth, scale)) in sides.iter_mut().enumerate() {
                let (queues, plan) = ([QUEUE.to_owned()], scale.plan(200));
                scale.fill(QUEUE, runs).await?;
                let mut crew = Crew::of(1, &plan).await?;
                let drain = scale.drain(&mut crew, &queues, runs, *depth - runs).await?;
                crew.end().await?;
                paces[side].push(drain.pace());
                costs[side].push(micros(drain.server, runs));
            }
        }
        for (side, (depth, _)) in sides.iter().enumerate() {
            let told = format!(
                "{:.0} runs/s ({}), {:.1} µs of the server a run",
                median(&paces[side]),
                against(&paces[side], &paces[0]),
                median(&costs[side])
            );
            self.line(&format!("one worker, the first {runs} of {depth} waiting"), &told, "within 10 %");
        }
        Ok(())
    }
}

impl Side {
    async fn of(scale: Scale, waiting: usize, scheduled: usize) -> Result<Self, Failure> {
        scale.fill(QUEUE, waiting).await?;
        let later = (0..scheduled).map(|number| Nothing::number(number, 0));
        scale.store.enqueue_all(later).queue(QUEUE).delay(Duration::from_secs(86_400)).await?;
        let what = match scheduled {
            0 => format!("{waiting} waiting"),
            _ => format!("{waiting} waiting beside {scheduled} scheduled"),
        };
        let overseer = OverseerId::random();
        Ok(Self { scale, what, overseer, tickets: 0, server: Vec::new(), waited: Vec::new() })
    }

    /// Claims and settles a few, and fills the queue up again.
    async fn move_some(&mut self, counts: bool) -> Result<(), Failure> {
        let (queue, store) = (QueueName::new(QUEUE)?, self.scale.store.backend());
        let (before, begin) = (self.scale.server.read().await?, Instant::now());
        for _ in 0..CALLS {
            self.tickets += 1;
            let ticket = Ticket { overseer: self.overseer.clone(), number: self.tickets };
            let claims = store.claim(&queue, &ticket, CALL).await?.runs;
            if claims.len() != CALL {
                return Err(format!("claimed {} of {CALL}", claims.len()).into());
            }
            let settlements: Vec<_> = claims
                .into_iter()
                .map(|claim| Settlement { id: claim.id, token: claim.token, fate: Fate::Forget })
                .collect();
            store.settle(&queue, &settlements).await?;
        }
        let (took, used) = (begin.elapsed(), self.scale.server.read().await?.since(&before));
        if counts {
            self.waited.push(micros(took, CALLS * CALL));
            self.server.push(micros(used.cpu, CALLS * CALL));
        }
        self.scale.fill(QUEUE, CALLS * CALL).await
    }
}
