//! What is counted: each phase asks of the client what one part of the way is.

use std::error::Error;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use mosquito::backend::{Claim, Fate, Settled, Settlement, Ticket};
use mosquito::{Context, Job, JobResult, Mosquito, OverseerId, Perform, QueueName, job};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

/// How many runs are claimed or settled in a call, and how many executors there are.
const BATCH: usize = 100;

/// Sixty bytes of arguments, and nothing to do.
#[job(queue = "counted", state(Countdown))]
pub(crate) struct Nothing {
    number: usize,
    text: String,
}

/// The same, unique and limited.
#[job(queue = "flowing", state(Countdown), unique(by = [number]), concurrency(limit = 100, by = [tenant]))]
pub(crate) struct Flowing {
    number: usize,
    tenant: usize,
    text: String,
}

impl Nothing {
    pub(crate) fn number(number: usize) -> Self {
        Self { number: 1_000_000 + number, text: "sixty bytes of arguments are all".into() }
    }
}

impl Flowing {
    pub(crate) fn number(number: usize) -> Self {
        let (number, tenant) = (1_000_000 + number, 1_000 + number % 100);
        Self { number, tenant, text: "all are sixty".into() }
    }
}

impl Perform for Nothing {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Countdown>().one_less();
        Ok(())
    }
}

impl Perform for Flowing {
    async fn perform(&self, cx: &Context<Self>) -> JobResult {
        cx.state::<Countdown>().one_less();
        Ok(())
    }
}

/// Tells when so many runs were performed.
pub(crate) struct Countdown {
    left: AtomicUsize,
    over: Arc<Notify>,
}

impl Countdown {
    fn one_less(&self) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.over.notify_one();
        }
    }
}

type Answer = Result<(), Box<dyn Error>>;

/// All phases, one after the other, on one thread. Tells of each how many runs it moves, and its name.
pub(crate) fn all(url: &str) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (redis, memory) = runtime
        .block_on(async { tokio::try_join!(Mosquito::connect(url), Mosquito::connect("memory://")) })?;
    let phase = |runs: usize, name: &str, work: Pin<&mut dyn Future<Output = Answer>>| {
        println!("{runs}\t{name}");
        at_a_phase(&runtime, work)
    };
    let overseer = OverseerId::random();
    let mut claims = Vec::new();

    // What is left of an earlier time, and what is done once for a connection and a queue.
    runtime.block_on(async {
        redis.queue(Nothing::SPEC.queue)?.flush().await?;
        redis.queue(Flowing::SPEC.queue)?.flush().await?;
        enqueue_each(&redis, 1).await?;
        claim_all(&redis, &overseer, &mut claims).await?;
        settle(&redis, Nothing::SPEC.queue, &mut claims).await
    })?;

    phase(1_000, "enqueue, one by one", pin!(enqueue_each(&redis, 1_000)))?;
    phase(4_000, "enqueue, in bulk", pin!(enqueue_all(&redis, 4_000)))?;
    phase(5_000, "claim, by 100", pin!(claim_all(&redis, &overseer, &mut claims)))?;
    phase(5_000, "settle, by 100", pin!(settle(&redis, Nothing::SPEC.queue, &mut claims)))?;
    phase(5_000, "enqueue with a flow, in bulk", pin!(enqueue_flowing(&redis, 5_000)))?;
    runtime.block_on(enqueue_all(&memory, 5_000))?;
    phase(5_000, "drain of memory", pin!(drain(&memory, 5_000)))?;
    runtime.block_on(enqueue_all(&redis, 5_000))?;
    phase(5_000, "drain of Redis", pin!(drain(&redis, 5_000)))
}

/// What stands around each phase, and tells callgrind by its name that one is at work. Nothing else may be called so.
#[inline(never)]
fn at_a_phase(runtime: &Runtime, work: Pin<&mut dyn Future<Output = Answer>>) -> Answer {
    runtime.block_on(work)
}

async fn enqueue_each(store: &Mosquito, runs: usize) -> Answer {
    for number in 0..runs {
        store.enqueue(Nothing::number(number)).await?;
    }
    Ok(())
}

pub(crate) async fn enqueue_all(store: &Mosquito, runs: usize) -> Answer {
    store.enqueue_all((0..runs).map(Nothing::number)).await?;
    Ok(())
}

pub(crate) async fn enqueue_flowing(store: &Mosquito, runs: usize) -> Answer {
    store.enqueue_all((0..runs).map(Flowing::number)).await?;
    Ok(())
}

/// Until there are no more.
async fn claim_all(store: &Mosquito, overseer: &OverseerId, claims: &mut Vec<Claim>) -> Answer {
    let mut before = None;
    while before != Some(claims.len()) {
        before = Some(claims.len());
        claim(store, Nothing::SPEC.queue, overseer, BATCH, claims).await?;
    }
    Ok(())
}

/// In one call.
pub(crate) async fn claim(
    store: &Mosquito,
    queue: &str,
    overseer: &OverseerId,
    at_most: usize,
    claims: &mut Vec<Claim>,
) -> Answer {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    let ticket = Ticket { overseer: overseer.clone(), number };
    let mut claimed = store.backend().claim(&QueueName::new(queue)?, &ticket, at_most).await?;
    claims.append(&mut claimed.runs);
    Ok(())
}

pub(crate) async fn settle(store: &Mosquito, queue: &str, claims: &mut Vec<Claim>) -> Answer {
    let queue = QueueName::new(queue)?;
    while !claims.is_empty() {
        let rest = claims.len().saturating_sub(BATCH);
        let succeeded = |Claim { id, token, .. }| Settlement { id, token, fate: Fate::Forget };
        let settlements: Vec<_> = claims.drain(rest..).map(succeeded).collect();
        let answers = store.backend().settle(&queue, &settlements).await?;
        if answers.contains(&Settled::Stale) {
            return Err("a claim does not stand".into());
        }
    }
    Ok(())
}

/// By a runner, up to its last settlement.
async fn drain(store: &Mosquito, runs: usize) -> Answer {
    let over = Arc::new(Notify::new());
    let countdown = Countdown { left: AtomicUsize::new(runs), over: over.clone() };
    let runner = store
        .runner()
        .state(countdown)
        .queues([Nothing::SPEC.queue])
        .executors(BATCH)
        .signals(false)
        .build()?;
    let handle = runner.handle();
    let stop = async {
        over.notified().await;
        handle.stop();
    };
    let (report, ()) = tokio::join!(runner.run(), stop);
    match report?.performed == runs as u64 {
        true => Ok(()),
        false => Err("not every run was performed".into()),
    }
}
