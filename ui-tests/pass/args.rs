//! A periodic job's arguments are an expression of its type, evaluated at each tick.

#![deny(warnings)]

use std::sync::atomic::{AtomicU64, Ordering};

use mosquito::{Context, Job, JobResult, Perform, PerformBlocking, TickArgs, job};

static TICKS: AtomicU64 = AtomicU64::new(0);

#[job(every = "1h", args = Self { tick: TICKS.fetch_add(1, Ordering::Relaxed), region: "eu".into() })]
struct Literal {
    tick: u64,
    region: String,
}

impl Perform for Literal {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{} {}", self.tick, self.region);
        Ok(())
    }
}

/// Has a `Default` too, which is not asked.
#[job(cron = "@daily", blocking, args = Called::of::<u8, Vec<u8>>("eu"))]
#[derive(Default)]
struct Called(String);

impl Called {
    fn of<A, B>(region: &str) -> Self {
        Self(format!("{region} {}", size_of::<A>() + size_of::<B>()))
    }
}

impl PerformBlocking for Called {
    fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{}", self.0);
        Ok(())
    }
}

#[job(
    every = "1h",
    args = {
        let names: Vec<_> = ["a", "b"].iter().map(|name| name.to_string()).collect();
        Self { names }
    },
    queue = "mail",
)]
struct Block {
    names: Vec<String>,
}

impl Perform for Block {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        println!("{:?}", self.names);
        Ok(())
    }
}

/// Without fields there is nothing to say.
#[job(every = "1h")]
struct Empty {}

impl Perform for Empty {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

#[job(every = "1h")]
struct EmptyTuple();

impl Perform for EmptyTuple {
    async fn perform(&self, _: &Context<Self>) -> JobResult {
        Ok(())
    }
}

fn main() {
    assert_eq!((Literal::tick_args().tick, Literal::tick_args().tick), (0, 1));
    assert_eq!(Called::tick_args().0, "eu 25");
    assert_eq!(Block::tick_args().names, ["a", "b"]);
    assert_eq!(Block::SPEC.queue, "mail");
}
